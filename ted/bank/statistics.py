"""The state and use of one bank as figures, all of them SQL aggregates. Spending is ted/bank/spending's affair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, get_args

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from ted.bank.job_tables import ItemRow, JobRow
from ted.bank.tables import AnswerRow, CounterRow, ExperienceRow, RevisionRow
from ted.bank.usage import COUNTERS
from ted.experience import Status

LISTED = 10
"""Experiences that a list of the best, the worst or the unused has at most."""

REVISIONS_LISTED = 200
"""The latest revisions that growth is told of."""

BUCKETS = 10
"""Of the utility distribution, equally wide, from -1 to 1."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One revision of the bank, and how many active experiences it had then."""

    revision: int
    active: int
    reason: str
    job: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Ranked:
    """An experience in a list by utility."""

    id: str
    when_to_use: str
    utility: float
    shown: int
    shown_correct: float
    shown_wrong: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many experiences have a utility of at least `low` and below `high` (the last: up to it)."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Utility:
    """Of active experiences: those with a graded use by utility, how many have none, the best and the worst."""

    graded: int
    ungraded: int
    mean: float | None
    distribution: tuple[Bucket, ...]
    top: tuple[Ranked, ...]
    worst: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class NeverUsed:
    """Active experiences that were never retrieved: how many, and the oldest of them."""

    count: int
    oldest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retrievals:
    """Questions for which the bank was asked, and for how many it had something; rates are null without questions."""

    questions: int
    hits: int
    abstained: int

    @property
    def hit_rate(self) -> float | None:
        return self.hits / self.questions if self.questions else None

    @property
    def abstain_rate(self) -> float | None:
        return self.abstained / self.questions if self.questions else None


@dataclass(frozen=True, slots=True)
class BankStatistics:
    """Figures of one bank. `usage` sums the counters of the present versions of its experiences."""

    experiences: dict[str, int]
    pinned: int
    growth: tuple[Growth, ...]
    usage: dict[str, float]
    utility: Utility
    never_used: NeverUsed
    answers: dict[str, int]
    answering: Retrievals
    distilling: Retrievals
    jobs: dict[str, int]


def bank_statistics(session: Session, bank_id: str) -> BankStatistics:
    """All figures of a bank, over one snapshot."""
    return BankStatistics(
        experiences=experiences_by_status(session, ExperienceRow.bank_id == bank_id),
        pinned=_count(session, ExperienceRow.bank_id == bank_id, ExperienceRow.pinned),
        growth=_growth(session, bank_id),
        usage=_usage(session, bank_id),
        utility=_utility(session, bank_id),
        never_used=_never_used(session, bank_id),
        answers=_by(session, AnswerRow.mode, AnswerRow.bank_id == bank_id),
        answering=answering(session, AnswerRow.bank_id == bank_id),
        distilling=_distilling(session, bank_id),
        jobs=jobs_by_status(session, JobRow.bank_id == bank_id),
    )


def experiences_by_status(session: Session, condition: ColumnElement[bool]) -> dict[str, int]:
    """How many experiences have each status; all statuses are named."""
    return dict.fromkeys(get_args(Status), 0) | _by(session, ExperienceRow.status, condition)


def jobs_by_status(session: Session, condition: ColumnElement[bool]) -> dict[str, int]:
    """How many jobs have each status that any has."""
    return _by(session, JobRow.status, condition)


def answering(session: Session, condition: ColumnElement[bool]) -> Retrievals:
    """Of answers that were to be given with a bank."""
    query = select(func.count(), func.count().filter(AnswerRow.abstained))
    asked, abstained = session.execute(query.where(condition, AnswerRow.mode == "retrieve")).one()
    return Retrievals(asked, asked - abstained, abstained)


def _by(session: Session, column: Any, condition: ColumnElement[bool]) -> dict[str, int]:
    rows = session.execute(select(column, func.count()).where(condition).group_by(column).order_by(column))
    return dict(rows.tuples().all())


def _count(session: Session, *conditions: Any) -> int:
    return session.scalar(select(func.count()).select_from(ExperienceRow).where(*conditions)) or 0


def _growth(session: Session, bank_id: str) -> tuple[Growth, ...]:
    query = select(RevisionRow).where(RevisionRow.bank_id == bank_id)
    rows = session.scalars(query.order_by(RevisionRow.revision.desc()).limit(REVISIONS_LISTED)).all()
    return tuple(Growth(r.revision, r.active, r.reason, r.job_id, r.created_at) for r in reversed(rows))


def _usage(session: Session, bank_id: str) -> dict[str, float]:
    sums = [func.coalesce(func.sum(getattr(CounterRow, name)), 0) for name in COUNTERS]
    row = session.execute(select(*sums).where(CounterRow.bank_id == bank_id)).one()
    return dict(zip(COUNTERS, row, strict=True))


def _utility_of() -> ColumnElement[float]:
    """UsageStats.utility, in SQL."""
    c = CounterRow
    shown = (c.shown_correct + 1.0) / (c.shown_correct + c.shown_wrong + 2.0)
    withheld = (c.withheld_correct + 1.0) / (c.withheld_correct + c.withheld_wrong + 2.0)
    return shown - withheld


def _utility(session: Session, bank_id: str) -> Utility:
    c, value = CounterRow, _utility_of()
    outcomes = c.shown_correct + c.shown_wrong + c.withheld_correct + c.withheld_wrong
    edges = [round(-1 + 2 * n / BUCKETS, 10) for n in range(BUCKETS + 1)]
    inside = [
        and_(value >= low, value <= high if high == edges[-1] else value < high)
        for low, high in pairwise(edges)
    ]
    active = (c.bank_id == bank_id) & (ExperienceRow.status == "active")
    graded = active & (outcomes > 0)
    of = ExperienceRow, c.experience_id == ExperienceRow.id
    counts = [func.coalesce(func.sum(case((condition, 1), else_=0)), 0) for condition in inside]
    total, mean, *found = session.execute(
        select(func.count(), func.avg(value), *counts).select_from(c).join(*of).where(graded)
    ).one()
    everyone = session.scalar(select(func.count()).select_from(c).join(*of).where(active)) or 0

    def ranked(order: Any) -> tuple[Ranked, ...]:
        query = (
            select(c.experience_id, ExperienceRow.when_to_use, value, c.shown, c.shown_correct, c.shown_wrong)
            .join(*of)
            .where(graded)
            .order_by(order, c.experience_id)
        )
        return tuple(Ranked(*row) for row in session.execute(query.limit(LISTED)))

    return Utility(
        graded=total,
        ungraded=everyone - total,
        mean=mean,
        distribution=tuple(
            Bucket(low, high, count) for (low, high), count in zip(pairwise(edges), found, strict=True)
        ),
        top=ranked(value.desc()),
        worst=ranked(value.asc()),
    )


def _never_used(session: Session, bank_id: str) -> NeverUsed:
    unused = (
        (CounterRow.bank_id == bank_id) & (CounterRow.retrieved == 0) & (ExperienceRow.status == "active")
    )
    of = ExperienceRow, CounterRow.experience_id == ExperienceRow.id
    count = session.scalar(select(func.count()).select_from(CounterRow).join(*of).where(unused)) or 0
    oldest = select(CounterRow.experience_id).join(*of).where(unused).order_by(CounterRow.experience_id)
    return NeverUsed(count, tuple(session.scalars(oldest.limit(LISTED))))


def _distilling(session: Session, bank_id: str) -> Retrievals:
    abstained = ItemRow.retrieval["abstained"].as_boolean()
    query = (
        select(func.count(), func.count().filter(abstained))
        .join(JobRow, JobRow.id == ItemRow.job_id)
        .where(JobRow.bank_id == bank_id, ItemRow.retrieval["revision"].as_integer().is_not(None))
    )
    asked, nothing = session.execute(query).one()
    return Retrievals(asked, asked - nothing, nothing)
