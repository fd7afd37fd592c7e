"""Exposures of experiences and the counters derived from them, moved in SQL and recomputable from the rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, case, func, literal, select, update
from sqlalchemy.orm import Session, aliased

from ted.bank.tables import BankRow, CounterRow, ExposureRow, HistoryRow, now
from ted.experience import Experience, Retrieval
from ted.sample import Question
from ted.trajectory import Verdict

Origin = Literal["answer", "distillation"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as usage sees it: the answer id (or job:epoch:sample), and the share of right attempts if graded."""

    asked_as: str
    origin: Origin
    question: Question
    outcome: float | None = None


def record_exposures(
    session: Session,
    bank: BankRow,
    asked: Asked,
    retrieval: Retrieval,
    *,
    cited: Mapping[str, bool],
    verdicts: Mapping[str, Verdict],
) -> None:
    """One row for each experience retrieved, and its counters moved. Recorded once; a repeat changes nothing.

    `cited` and `verdicts` are by experience id; an id missing from `cited` is not known to be cited or not.
    """
    known = select(ExposureRow.experience_id).where(ExposureRow.asked_as == asked.asked_as)
    there = set(session.scalars(known))
    rows = [
        ExposureRow(
            project_id=bank.project_id,
            bank_id=bank.id,
            asked_as=asked.asked_as,
            origin=asked.origin,
            experience_id=r.experience.id,
            version=r.experience.version,
            shown=True,
            propensity=1.0,
            similarity=r.similarity.fused,
            cited=cited.get(r.experience.id),
            outcome=asked.outcome,
            own_source=is_own_source(r.experience, asked.question),
            verdict=verdicts.get(r.experience.id),
        )
        for r in retrieval.retrieved
        if r.experience.id not in there
    ]
    session.add_all(rows)
    session.flush()
    _move_counters(session, rows)


def same_text(experience_id: Any, version: Any, other: Any) -> ColumnElement[bool]:
    """Whether two versions of an experience, as columns or literals, are of one text; each is one of its own text."""
    one, two = aliased(HistoryRow), aliased(HistoryRow)
    alike = (
        select(one.id)
        .join(two, two.experience_id == one.experience_id)
        .where(one.experience_id == experience_id, one.version == version, two.version == other)
        .where(one.when_to_use == two.when_to_use, one.content == two.content)
    )
    found: ColumnElement[bool] = (version == other) | alike.correlate_except(one, two).exists()
    return found


def counts_for(experience_id: Any, version: Any, counter: type[CounterRow]) -> ColumnElement[bool]:
    """Whether what befell this version of an experience is evidence on the text that the counter is of."""
    found: ColumnElement[bool] = counter.experience_id == experience_id
    return found & same_text(experience_id, version, counter.version)


def is_own_source(experience: Experience, question: Question) -> bool:
    """Whether the experience was made from this very question.

    Of a question with images the images decide: puzzles of one kind are all asked in the same words.
    """
    hashes = {image.sha256 for image in question.images}
    drawn = {key.image_sha256 for key in experience.keys if key.kind == "image"}
    if hashes and drawn:
        return bool(hashes & drawn)
    return any(key.kind == "question" and key.text == question.text for key in experience.keys)


def _move_counters(session: Session, rows: Sequence[ExposureRow]) -> None:
    for row in rows:
        counts = not row.own_source and row.outcome is not None
        right = row.outcome or 0.0 if counts else 0.0
        wrong = 1.0 - right if counts else 0.0
        session.execute(
            update(CounterRow)
            .where(counts_for(literal(row.experience_id), literal(row.version), CounterRow))
            .values(
                retrieved=CounterRow.retrieved + 1,
                shown=CounterRow.shown + int(row.shown),
                withheld=CounterRow.withheld + int(not row.shown),
                cited=CounterRow.cited + int(bool(row.cited)),
                shown_correct=CounterRow.shown_correct + (right if row.shown else 0.0),
                shown_wrong=CounterRow.shown_wrong + (wrong if row.shown else 0.0),
                withheld_correct=CounterRow.withheld_correct + (0.0 if row.shown else right),
                withheld_wrong=CounterRow.withheld_wrong + (0.0 if row.shown else wrong),
                helpful=CounterRow.helpful + int(row.verdict == "helpful"),
                harmful=CounterRow.harmful + int(row.verdict == "harmful"),
                last_used_at=now(),
            )
        )


def regrade(session: Session, asked_as: str, outcome: float) -> int:
    """Another outcome for a question that was asked; how many experiences had been retrieved for it.

    The counters of right and wrong are summed anew, in SQL, so that no rounding of earlier corrections stays in them.
    """
    session.execute(update(ExposureRow).where(ExposureRow.asked_as == asked_as).values(outcome=outcome))
    e, c = ExposureRow, CounterRow
    touched = session.scalars(select(e.experience_id).where(e.asked_as == asked_as)).all()

    def summed(shown: ColumnElement[bool], share: ColumnElement[float | None]) -> Any:
        of_it = counts_for(e.experience_id, e.version, c)
        total = select(func.coalesce(func.sum(share), 0.0)).where(of_it, shown, e.outcome.is_not(None))
        return total.where(~e.own_source).correlate(c).scalar_subquery()

    right, wrong = e.outcome + 0.0, 1.0 - e.outcome
    session.execute(
        update(c)
        .where(c.experience_id.in_(touched))
        .values(
            shown_correct=summed(e.shown.is_(True), right),
            shown_wrong=summed(e.shown.is_(True), wrong),
            withheld_correct=summed(e.shown.is_(False), right),
            withheld_wrong=summed(e.shown.is_(False), wrong),
        )
        .execution_options(synchronize_session=False)
    )
    return len(touched)


def recount(session: Session, bank_id: str, experience_ids: Collection[str]) -> None:
    """The counters of those of these experiences whose text was theirs before, from their exposures."""
    one, two = aliased(HistoryRow), aliased(HistoryRow)
    again = (
        select(one.experience_id)
        .join(two, two.experience_id == one.experience_id)
        .where(one.experience_id.in_(experience_ids), one.version < two.version)
        .where(one.when_to_use == two.when_to_use, one.content == two.content)
        .distinct()
    )
    experience_ids = session.scalars(again).all()
    if not experience_ids:
        return
    found = usage_from_exposures(session, bank_id)
    e, c = ExposureRow, CounterRow
    for experience_id in experience_ids:
        of_it = c.experience_id == experience_id
        last = select(func.max(e.created_at)).where(counts_for(e.experience_id, e.version, c)).correlate(c)
        session.execute(
            update(c)
            .where(of_it)
            .values(**asdict(found[experience_id]), last_used_at=last.scalar_subquery())
            .execution_options(synchronize_session=False)
        )


@dataclass(frozen=True, slots=True)
class UsageStats:
    """Usage of an experience's present version. Right and wrong are sums of shares, one share a question."""

    retrieved: int
    shown: int
    withheld: int
    cited: int
    shown_correct: float
    shown_wrong: float
    withheld_correct: float
    withheld_wrong: float
    helpful: int
    harmful: int

    @property
    def utility(self) -> float:
        """Posterior mean of P(correct | shown) - P(correct | withheld), Beta(1, 1) on each side; METHOD "Usage".

        Where nothing was ever withheld the second is the prior's 1/2, so this is a weak statement until it is.
        """
        shown = (self.shown_correct + 1) / (self.shown_correct + self.shown_wrong + 2)
        withheld = (self.withheld_correct + 1) / (self.withheld_correct + self.withheld_wrong + 2)
        return shown - withheld


COUNTERS = (
    "retrieved",
    "shown",
    "withheld",
    "cited",
    "shown_correct",
    "shown_wrong",
    "withheld_correct",
    "withheld_wrong",
    "helpful",
    "harmful",
)


def usage_of(session: Session, bank_id: str) -> dict[str, UsageStats]:
    """Usage by experience id, from the counters."""
    columns = [getattr(CounterRow, name) for name in COUNTERS]
    rows = session.execute(select(CounterRow.experience_id, *columns).where(CounterRow.bank_id == bank_id))
    return {row[0]: UsageStats(*row[1:]) for row in rows}


def usage_from_exposures(session: Session, bank_id: str) -> dict[str, UsageStats]:
    """The same, recomputed from the exposure rows of each experience's present text, in whatever version it had it."""
    e = ExposureRow
    graded = e.outcome.is_not(None) & ~e.own_source

    def total(condition: Any, value: Any) -> Any:
        return func.coalesce(func.sum(case((condition, value), else_=0)), 0)

    query = (
        select(
            CounterRow.experience_id,
            func.count(e.id),
            total(e.shown, 1),
            total(~e.shown & e.id.is_not(None), 1),
            total(e.cited, 1),
            total(e.shown & graded, e.outcome),
            total(e.shown & graded, 1 - e.outcome),
            total(~e.shown & graded, e.outcome),
            total(~e.shown & graded, 1 - e.outcome),
            total(e.verdict == "helpful", 1),
            total(e.verdict == "harmful", 1),
        )
        .outerjoin(e, counts_for(e.experience_id, e.version, CounterRow))
        .where(CounterRow.bank_id == bank_id)
        .group_by(CounterRow.experience_id)
    )
    return {row[0]: UsageStats(*row[1:]) for row in session.execute(query)}
