"""Where experiences come from: parents and children, pictures they are found by, the work that they were made in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.job_tables import CritiqueRow, ItemRow, JobRow, SampleRow, SolutionRow, TrajectoryRow
from ted.bank.rows import load_images
from ted.bank.tables import ExperienceRow, KeyRow, LineageRow
from ted.errors import NotFound
from ted.sample import Image


@dataclass(frozen=True, slots=True)
class Relative:
    """A parent or child by a merge."""

    id: str
    when_to_use: str
    status: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """What an experience was merged from, and into."""

    parents: tuple[Relative, ...]
    children: tuple[Relative, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt of the student, as it was graded. `used`: the labels it says it used."""

    number: int
    text: str
    final_answer: str | None
    steps: tuple[str, ...]
    used: tuple[str, ...]
    correct: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Solved:
    """The teacher's own solution; `rationalised`: it was shown the reference."""

    final_answer: str
    steps: tuple[str, ...]
    correct: bool
    rationalised: bool


@dataclass(frozen=True, slots=True)
class Criticised:
    """The teacher's comparison, as JSON keeps it."""

    findings: tuple[dict[str, Any], ...]
    verdicts: dict[str, str]
    operations: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Material:
    """All that a job has of one sample in one epoch; images by their sha256."""

    job_id: str
    epoch: int
    sample_id: str
    status: str
    question: str
    images: tuple[str, ...]
    answer: str
    error: str | None
    trajectories: tuple[Tried, ...]
    solution: Solved | None
    critique: Criticised | None


class Origins:
    """Reads of what is a caller's; each method is one short transaction. Raises NotFound for what is not theirs."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    def lineage(self, bank_id: str, experience_id: str) -> Lineage:
        """By the ids of the others."""
        with self._database.reading() as session:
            self._experience(session, bank_id, experience_id)
            return Lineage(
                _relatives(session, LineageRow.parent_id, LineageRow.child_id == experience_id),
                _relatives(session, LineageRow.child_id, LineageRow.parent_id == experience_id),
            )

    def image(self, bank_id: str, experience_id: str, sha256: str) -> Image:
        """One that the experience is found by."""
        with self._database.reading() as session:
            row = self._experience(session, bank_id, experience_id)
            query = select(KeyRow.id).where(
                KeyRow.experience_id == experience_id, KeyRow.kind == "image", KeyRow.image_sha256 == sha256
            )
            if session.scalar(query.limit(1)) is None:
                raise NotFound(f"experience '{experience_id}' has no image '{sha256}'")
            return load_images(session, row.project_id, [sha256])[0]

    def material(self, job_id: str, item_id: str) -> Material:
        """What became of an item, `epoch:sample`, of a job."""
        epoch, _, sample_id = item_id.partition(":")
        with self._database.reading() as session:
            if not self._caller.has(session.get(JobRow, job_id)):
                raise NotFound(f"there is no job '{job_id}'")
            is_number = epoch.isascii() and epoch.isdigit() and len(epoch) < 9
            place = (job_id, int(epoch), sample_id) if is_number else None
            item = session.get(ItemRow, place) if place else None
            sample = session.get(SampleRow, (job_id, sample_id))
            if item is None or sample is None:
                raise NotFound(f"job {job_id} has no item '{item_id}'")
            return _material(session, item, sample)

    def _experience(self, session: Session, bank_id: str, experience_id: str) -> ExperienceRow:
        row = session.get(ExperienceRow, experience_id)
        if row is None or row.bank_id != bank_id or not self._caller.has(row):
            raise NotFound(f"bank {bank_id} has no experience '{experience_id}'")
        return row


def _relatives(session: Session, column: Any, condition: Any) -> tuple[Relative, ...]:
    columns = ExperienceRow.id, ExperienceRow.when_to_use, ExperienceRow.status
    query = select(*columns).join(LineageRow, column == ExperienceRow.id).where(condition)
    return tuple(Relative(*row) for row in session.execute(query.order_by(ExperienceRow.id)))


def _material(session: Session, item: ItemRow, sample: SampleRow) -> Material:
    place = (item.job_id, item.epoch, item.sample_id)
    t = TrajectoryRow
    tried = session.scalars(
        select(t)
        .where(t.job_id == item.job_id, t.epoch == item.epoch, t.sample_id == item.sample_id)
        .order_by(t.number)
    )
    solution, critique = session.get(SolutionRow, place), session.get(CritiqueRow, place)
    return Material(
        job_id=item.job_id,
        epoch=item.epoch,
        sample_id=item.sample_id,
        status=item.status,
        question=sample.question,
        images=tuple(sample.images),
        answer=sample.answer,
        error=item.error,
        trajectories=tuple(
            Tried(r.number, r.text, r.final_answer, _steps(r.chain), tuple(r.used), r.correct, r.reason)
            for r in tried
        ),
        solution=None if solution is None else _solved(solution),
        critique=None if critique is None else _criticised(critique),
    )


def _solved(row: SolutionRow) -> Solved:
    return Solved(row.final_answer, _steps(row.chain), row.correct, row.rationalised)


def _criticised(row: CritiqueRow) -> Criticised:
    return Criticised(tuple(row.findings), dict(row.verdicts), tuple(row.operations))


def _steps(chain: dict[str, Any]) -> tuple[str, ...]:
    """Premises, steps and conclusion as one list of lines."""
    lines = [*chain.get("premises", ()), *chain.get("steps", ()), chain.get("conclusion", "")]
    return tuple(line for line in lines if line)
