"""Exposures of experiences and the counters derived from them, moved in SQL and recomputable from the rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, case, func, literal, select, update
from sqlalchemy.orm import Session, aliased

from ted.bank.tables import BankRow, CounterRow, ExposureRow, HistoryRow, now
from ted.bank.utility import NOTHING, Inherited, Side, Utility, utility_from
from ted.experience import Experience, Retrieval
from ted.sample import Question
from ted.trajectory import Verdict

Origin = Literal["answer", "distillation"]

SIDE = ("weight", "weight2", "right", "right2")
"""The sums of a side, as ted/bank/utility wants them."""


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
            shown=r.shown,
            propensity=r.propensity,
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
        moved = {name: getattr(CounterRow, name) + value for name, value in _graded_sums(row).items()}
        session.execute(
            update(CounterRow)
            .where(counts_for(literal(row.experience_id), literal(row.version), CounterRow))
            .values(
                retrieved=CounterRow.retrieved + 1,
                shown=CounterRow.shown + int(row.shown),
                withheld=CounterRow.withheld + int(not row.shown),
                cited=CounterRow.cited + int(bool(row.cited)),
                helpful=CounterRow.helpful + int(row.verdict == "helpful"),
                harmful=CounterRow.harmful + int(row.verdict == "harmful"),
                last_used_at=now(),
                **moved,
            )
        )


def _graded_sums(row: ExposureRow) -> dict[str, float]:
    """What one exposure adds to right and wrong, and to the sums of utility; nothing where it does not count."""
    if row.own_source or row.outcome is None:
        return {}
    side, y = ("shown", row.outcome) if row.shown else ("withheld", row.outcome)
    weight = 1 - row.propensity if row.shown else row.propensity
    sums = (weight, weight**2, weight * y, weight * y * y)
    told = dict(zip((f"{side}_{name}" for name in SIDE), sums, strict=True))
    return {f"{side}_correct": y, f"{side}_wrong": 1 - y, **told}


def _graded_columns() -> dict[str, tuple[ColumnElement[bool], Any]]:
    """The same in SQL: of each counter which exposures count, and with what."""
    e, y = ExposureRow, ExposureRow.outcome + 0.0
    found: dict[str, tuple[ColumnElement[bool], Any]] = {}
    for side, there, weight in (
        ("shown", e.shown.is_(True), 1.0 - e.propensity),
        ("withheld", e.shown.is_(False), e.propensity + 0.0),
    ):
        counts = there & e.outcome.is_not(None) & e.own_source.is_(False)
        sums = (weight, weight * weight, weight * y, weight * y * y)
        values: dict[str, Any] = {"correct": y, "wrong": 1.0 - y, **dict(zip(SIDE, sums, strict=True))}
        found |= {f"{side}_{name}": (counts, value) for name, value in values.items()}
    return found


def regrade(session: Session, asked_as: str, outcome: float) -> int:
    """Another outcome for a question that was asked; how many experiences had been retrieved for it.

    The counters of right and wrong are summed anew, in SQL, so that no rounding of earlier corrections stays in them.
    """
    session.execute(update(ExposureRow).where(ExposureRow.asked_as == asked_as).values(outcome=outcome))
    e, c = ExposureRow, CounterRow
    touched = session.scalars(select(e.experience_id).where(e.asked_as == asked_as)).all()
    of_it = counts_for(e.experience_id, e.version, c)

    def summed(counts: ColumnElement[bool], value: Any) -> Any:
        total = select(func.coalesce(func.sum(value), 0.0)).where(of_it, counts)
        return total.correlate(c).scalar_subquery()

    session.execute(
        update(c)
        .where(c.experience_id.in_(touched))
        .values(**{name: summed(*column) for name, column in _graded_columns().items()})
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
            .values(
                **{name: getattr(found[experience_id], name) for name in COUNTERS + SUMS},
                last_used_at=last.scalar_subquery(),
            )
            .execution_options(synchronize_session=False)
        )


@dataclass(frozen=True, slots=True)
class UsageStats:
    """Usage of an experience's present version. Right and wrong are sums of shares, one share a question.

    The rest are the sums that its utility is made from, and those that a merge has of its parents.
    """

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

    shown_weight: float = 0.0
    shown_weight2: float = 0.0
    shown_right: float = 0.0
    shown_right2: float = 0.0
    withheld_weight: float = 0.0
    withheld_weight2: float = 0.0
    withheld_right: float = 0.0
    withheld_right2: float = 0.0
    inherited: Inherited = NOTHING

    @property
    def utility(self) -> Utility:
        """What showing it does for the answers, from the questions for which chance decided about that."""
        return utility_from(*self.evidence)

    @property
    def evidence(self) -> tuple[Side, Side]:
        """The sums of either side, what is inherited included."""
        shown = (self.shown_weight, self.shown_weight2, self.shown_right, self.shown_right2)
        withheld = (self.withheld_weight, self.withheld_weight2, self.withheld_right, self.withheld_right2)
        return _sum(Side(*shown), self.inherited.shown), _sum(Side(*withheld), self.inherited.withheld)


def _sum(one: Side, other: Side) -> Side:
    return Side(*(a + b for a, b in zip(one, other, strict=True)))


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


SUMS = tuple(f"{side}_{name}" for side in ("shown", "withheld") for name in SIDE)
"""What utility is made from, beside the counters."""


def usage_of(
    session: Session, bank_id: str, experience_ids: Collection[str] | None = None
) -> dict[str, UsageStats]:
    """Usage by experience id, from the counters; of all experiences, or of these."""
    columns = [getattr(CounterRow, name) for name in COUNTERS + SUMS]
    query = select(CounterRow.experience_id, CounterRow.inherited, *columns)
    query = query.where(CounterRow.bank_id == bank_id)
    if experience_ids is not None:
        query = query.where(CounterRow.experience_id.in_(experience_ids))
    return {
        i: replace(UsageStats(*sums), inherited=Inherited.from_json(inherited))
        for i, inherited, *sums in session.execute(query)
    }


def usage_from_exposures(session: Session, bank_id: str) -> dict[str, UsageStats]:
    """The same, recomputed from the exposure rows of each experience's present text, in whatever version it had it.

    What a merge inherited is no exposure of its own: that is taken as it is kept.
    """
    e = ExposureRow

    def total(condition: Any, value: Any) -> Any:
        return func.coalesce(func.sum(case((condition, value), else_=0)), 0)

    columns = {
        "shown": (e.shown, 1),
        "withheld": (~e.shown & e.id.is_not(None), 1),
        "cited": (e.cited, 1),
        "helpful": (e.verdict == "helpful", 1),
        "harmful": (e.verdict == "harmful", 1),
        **_graded_columns(),
    }
    totals = [func.count(e.id) if n == "retrieved" else total(*columns[n]) for n in COUNTERS + SUMS]
    query = (
        select(CounterRow.experience_id, *totals)
        .outerjoin(e, counts_for(e.experience_id, e.version, CounterRow))
        .where(CounterRow.bank_id == bank_id)
        .group_by(CounterRow.experience_id)
    )
    kept = select(CounterRow.experience_id, CounterRow.inherited).where(CounterRow.bank_id == bank_id)
    inherited = {i: Inherited.from_json(told) for i, told in session.execute(kept)}
    found = {row[0]: UsageStats(*row[1:]) for row in session.execute(query)}
    return {i: replace(usage, inherited=inherited[i]) for i, usage in found.items()}


def records_before(
    session: Session, experience_ids: Collection[str], *, asked_head: str
) -> dict[tuple[str, int], str]:
    """By experience and version, in words, how often answers were right with it and without it.

    Questions asked under a name that begins with `asked_head` are left out, and the sources of an experience.
    """
    e = ExposureRow
    graded = e.experience_id.in_(experience_ids) & e.outcome.is_not(None) & e.own_source.is_(False)
    query = (
        select(e.experience_id, e.version, e.shown, func.count(), func.sum(e.outcome))
        .where(graded, ~e.asked_as.startswith(asked_head, autoescape=True))
        .group_by(e.experience_id, e.version, e.shown)
        .order_by(e.experience_id, e.version, e.shown.desc())
    )
    found: dict[tuple[str, int], str] = {}
    for experience_id, version, shown, count, right in session.execute(query):
        part = f"{'with' if shown else 'without'} it {right:g} of {count} other questions right"
        of = experience_id, version
        found[of] = f"{found[of]}, {part}" if of in found else part
    return found
