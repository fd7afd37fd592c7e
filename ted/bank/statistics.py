"""The state and use of one bank as figures, most of them SQL aggregates. Spending is ted/bank/spending's affair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, get_args

import numpy as np
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from ted.bank.bypassing import Comparison, comparison
from ted.bank.days import Day, answering_by_day
from ted.bank.job_tables import ItemRow, JobRow
from ted.bank.tables import AnswerRow, CounterRow, ExperienceRow, RevisionRow
from ted.bank.usage import COUNTERS
from ted.bank.utilities import Ranked, Utilities, ranked, utilities
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
class Bucket:
    """How many experiences have a utility of at least `low` and below `high` (the last: up to it)."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Utility:
    """Of active experiences: those whose utility is known, how many have graded questions on one side at most, the
    best and the worst."""

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
    comparison: Comparison
    never_used: NeverUsed
    answers: dict[str, int]
    answering: Retrievals
    days: tuple[Day, ...]
    distilling: Retrievals
    jobs: dict[str, int]


def bank_statistics(session: Session, bank_id: str, found: Utilities | None = None) -> BankStatistics:
    """All figures of a bank, over one snapshot; `found`: its utilities, where the caller has them."""
    return BankStatistics(
        experiences=experiences_by_status(session, ExperienceRow.bank_id == bank_id),
        pinned=_count(session, ExperienceRow.bank_id == bank_id, ExperienceRow.pinned),
        growth=_growth(session, bank_id),
        usage=_usage(session, bank_id),
        utility=_utility(session, utilities(session, bank_id) if found is None else found),
        comparison=comparison(session, bank_id),
        never_used=_never_used(session, bank_id),
        answers=_by(session, AnswerRow.mode, AnswerRow.bank_id == bank_id),
        answering=answering(session, AnswerRow.bank_id == bank_id),
        days=answering_by_day(session, bank_id),
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


def _utility(session: Session, found: Utilities) -> Utility:
    """Of each active experience from its sums; the distribution over its means."""
    edges = [round(-1 + 2 * n / BUCKETS, 10) for n in range(BUCKETS + 1)]
    places = np.minimum(((found.mean + 1) / 2 * BUCKETS).astype(int), BUCKETS - 1)
    counts = np.bincount(places, minlength=BUCKETS)
    return Utility(
        graded=len(found.ids),
        ungraded=found.unknown,
        mean=float(found.mean.mean()) if found.ids else None,
        distribution=tuple(
            Bucket(low, high, int(counts[n])) for n, (low, high) in enumerate(pairwise(edges))
        ),
        top=ranked(session, found, "best", limit=LISTED).data,
        worst=ranked(session, found, "worst", limit=LISTED).data,
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
