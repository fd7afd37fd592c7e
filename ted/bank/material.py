"""What a distillation made of each sample, in the store: retrieval, trajectories, solution, critique, outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ted.bank.codec import operation_to_json, retrieval_from_json, retrieval_to_json
from ted.bank.database import Database
from ted.bank.held_samples import accepted_since, held_samples
from ted.bank.job_events import tell_item
from ted.bank.job_tables import CritiqueRow, ItemRow, JobRow, SolutionRow, TrajectoryRow
from ted.bank.tables import BankRow, now
from ted.bank.usage import Asked, record_exposures, records_before
from ted.errors import NotFound
from ted.experience import Retrieval
from ted.trajectory import Critique, Solution, Trajectory, Verdict

FINISHED = ("done", "all_correct", "no_majority")
"""What items are that are worked on: that, with every attempt right, or without anything to grade attempts by."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a distillation a sample is worked on."""

    job_id: str
    epoch: int
    sample_id: str

    @property
    def key(self) -> str:
        """The head of its call keys, and how its exposures are named."""
        return f"{self.job_id}:{self.epoch}:{self.sample_id}"


class MaterialStore:
    """Reads and writes the material of distillations; each method is one short transaction, and may be repeated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def frozen_retrieval(self, place: Place) -> Retrieval | None:
        """What this sample retrieved when it was first worked on, if it was."""
        with self._database.reading() as session:
            row = session.get(ItemRow, (place.job_id, place.epoch, place.sample_id))
            return retrieval_from_json(row.retrieval) if row and row.retrieval else None

    def begin(self, place: Place) -> None:
        """Work on an item that retrieves nothing begins."""
        with self._database.writing() as session:
            row = self._item(session, place)
            if row.status != "running":
                row.status, row.error = "running", None
                tell_item(session, self._job(session, place), row)

    def freeze_retrieval(self, place: Place, retrieval: Retrieval) -> None:
        """Work on the sample begins, with this retrieval for good."""
        with self._database.writing() as session:
            row = self._item(session, place)
            row.status, row.retrieval, row.error = "running", retrieval_to_json(retrieval), None
            tell_item(session, self._job(session, place), row)

    def with_records(self, place: Place, retrieval: Retrieval) -> Retrieval:
        """The retrieval with how its experiences did before this epoch, on questions that they were not made from.

        What this epoch adds is left out: it would depend on which of its samples were done first.
        """
        ids = [r.experience.id for r in retrieval.retrieved]
        head = Place(place.job_id, place.epoch, "").key
        with self._database.reading() as session:
            found = records_before(session, ids, asked_head=head)
        told = (
            replace(r, record=found.get((r.experience.id, r.experience.version), ""))
            for r in retrieval.retrieved
        )
        return replace(retrieval, retrieved=tuple(told))

    def keep_trajectories(
        self, place: Place, trajectories: Sequence[Trajectory], *, unlabelled: bool = False
    ) -> None:
        """The student's attempts; `unlabelled`: graded against what stands in for a reference."""
        with self._database.writing() as session:
            job = self._job(session, place)
            session.query(TrajectoryRow).filter_by(
                job_id=place.job_id, epoch=place.epoch, sample_id=place.sample_id
            ).delete()
            for t in trajectories:
                session.add(
                    TrajectoryRow(
                        project_id=job.project_id,
                        **asdict(place),
                        number=t.number,
                        text=t.text,
                        final_answer=t.attempt.final_answer if t.attempt else None,
                        chain=asdict(t.attempt.chain) if t.attempt else {},
                        used=list(t.attempt.used) if t.attempt else [],
                        correct=t.grade.correct,
                        unlabelled=unlabelled,
                        reason=t.grade.reason,
                    )
                )

    def keep_solution(self, place: Place, solution: Solution, *, unlabelled: bool = False) -> None:
        """The teacher's own; `unlabelled`: it stands in for a reference."""
        with self._database.writing() as session:
            session.merge(
                SolutionRow(
                    project_id=self._job(session, place).project_id,
                    **asdict(place),
                    final_answer=solution.attempt.final_answer,
                    chain=asdict(solution.attempt.chain),
                    correct=solution.correct,
                    rationalised=solution.rationalised,
                    unlabelled=unlabelled,
                )
            )

    def keep_critique(self, place: Place, critique: Critique) -> None:
        """The teacher's comparison."""
        with self._database.writing() as session:
            session.merge(
                CritiqueRow(
                    project_id=self._job(session, place).project_id,
                    **asdict(place),
                    findings=[asdict(f) for f in critique.findings],
                    verdicts=dict(critique.verdicts),
                    operations=[operation_to_json(o) for o in critique.operations],
                )
            )

    def finish(
        self,
        place: Place,
        *,
        status: str,
        outcome: dict[str, Any],
        asked: Asked,
        retrieval: Retrieval,
        cited: Mapping[str, bool],
        verdicts: Mapping[str, Verdict],
    ) -> None:
        """The sample is worked on; its outcome and the usage of what it was shown are kept in one transaction."""
        with self._database.writing() as session:
            row = self._item(session, place)
            job = self._job(session, place)
            bank = session.get_one(BankRow, job.bank_id)
            row.status, row.outcome, row.error, row.finished_at = status, outcome, None, now()
            tell_item(session, job, row)
            record_exposures(session, bank, asked, retrieval, cited=cited, verdicts=verdicts)

    def keep_outcome(self, place: Place, outcome: dict[str, Any], *, status: str = "done") -> None:
        """The item is done, and nothing of it counts as usage."""
        with self._database.writing() as session:
            row = self._item(session, place)
            row.status, row.outcome, row.error, row.finished_at = status, outcome, None, now()
            tell_item(session, self._job(session, place), row)

    def fail(self, place: Place, error: str) -> None:
        """The sample could not be worked on; a later run tries again, until its batch is settled."""
        with self._database.writing() as session:
            row = self._item(session, place)
            row.status, row.error, row.finished_at = "failed", error, now()
            tell_item(session, self._job(session, place), row)

    def held_back(self, job_id: str) -> dict[str, str]:
        """By the ids of the job's samples that may not be worked on: why not, in words."""
        with self._database.reading() as session:
            return held_samples(session, job_id)

    def accepted_since(self, job_id: str) -> Sequence[tuple[int, str]]:
        """Epoch and sample of the job's items that were held back and may be worked on by now."""
        with self._database.reading() as session:
            return accepted_since(session, job_id)

    def quarantine(self, place: Place, why: str) -> None:
        """The sample is not worked on; a run after somebody accepted it does."""
        with self._database.writing() as session:
            row = self._item(session, place)
            if row.status != "quarantined" or row.error != why:
                row.status, row.error, row.finished_at = "quarantined", why, now()
                tell_item(session, self._job(session, place), row)

    def outcome(self, place: Place) -> dict[str, Any] | None:
        """What came of the sample, or None where it is not finished."""
        with self._database.reading() as session:
            row = session.get(ItemRow, (place.job_id, place.epoch, place.sample_id))
            return row.outcome if row and row.status in FINISHED else None

    def failures(self, job_id: str) -> list[dict[str, Any]]:
        """The items that failed, with their errors."""
        query = select(ItemRow).where(ItemRow.job_id == job_id, ItemRow.status == "failed")
        with self._database.reading() as session:
            return [
                {"epoch": row.epoch, "sample": row.sample_id, "error": row.error}
                for row in session.scalars(query.order_by(ItemRow.epoch, ItemRow.sample_id))
            ]

    def _item(self, session: Session, place: Place) -> ItemRow:
        row = session.get(ItemRow, (place.job_id, place.epoch, place.sample_id))
        if row is None:
            row = ItemRow(**asdict(place), project_id=self._job(session, place).project_id, status="queued")
            session.add(row)
        return row

    def _job(self, session: Session, place: Place) -> JobRow:
        row = session.get(JobRow, place.job_id)
        if row is None:
            raise NotFound(f"there is no job {place.job_id}")
        return row
