"""What people do to jobs: cancel, pause, resume, retry; each is refused where the job's state does not allow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.from_answers import give_back, take_again
from ted.bank.held_samples import accepted_since
from ted.bank.job_events import tell_job
from ted.bank.job_tables import ItemRow, JobRow
from ted.bank.job_values import ASKED_TO_PAUSE, RESUMED, UNFINISHED, WRITING, Job, job_of
from ted.bank.jobs import unfinished_writer
from ted.bank.reembedding import drop_other_vectors
from ted.bank.tables import BankRow, now
from ted.errors import Conflict, NotFound


class JobControl:
    """Of a caller's jobs; each method is one short transaction.

    A running job stops at its next checkpoint, whatever process runs it.
    """

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    def cancel(self, job_id: str) -> Job:
        """The job has ended; what it did stays, but for vectors of a re-embedding, which did nothing yet.

        Raises NotFound, Conflict for one that has ended.
        """
        with self._database.writing() as session:
            row = self._row(session, job_id, among=UNFINISHED, to="be cancelled")
            row.status, row.reason, row.finished_at = "cancelled", None, now()
            if row.kind == "reembedding":
                drop_other_vectors(session, session.get_one(BankRow, row.bank_id))
            give_back(session, row)
            tell_job(session, row)
            return job_of(row)

    def pause(self, job_id: str) -> Job:
        """The job rests until it is resumed. Raises NotFound, Conflict for one that rests or has ended."""
        with self._database.writing() as session:
            row = self._row(session, job_id, among=("queued", "running"), to="be paused")
            row.status, row.reason = "paused", ASKED_TO_PAUSE
            tell_job(session, row)
            return job_of(row)

    def resume(self, job_id: str, budget: dict[str, Any] | None = None) -> Job:
        """The job waits to be run again, with another budget if one is given. Raises NotFound, Conflict."""
        with self._database.writing() as session:
            row = self._row(session, job_id, among=("paused",), to="be resumed")
            row.status, row.reason = "queued", RESUMED
            row.budget = row.budget if budget is None else budget
            tell_job(session, row)
            return job_of(row)

    def retry(self, job_id: str) -> Job:
        """The job waits to be run again on its failed items, and those held back that were accepted since, alone; calls
        that were answered are not made again.

        Raises NotFound, Conflict where it has not ended, where nothing failed, where another job writes the bank, or has
        taken an answer that this one gave back.
        """
        with self._database.writing() as session:
            row = self._row(session, job_id, among=("succeeded", "failed"), to="be retried")
            query = select(ItemRow).where(ItemRow.job_id == job_id, ItemRow.status == "failed")
            failed = session.scalars(query.order_by(ItemRow.epoch, ItemRow.sample_id)).all()
            released = accepted_since(session, job_id)
            if not failed and not released:
                raise Conflict(f"job {job_id} has no failed items: there is nothing to retry")
            if row.kind in WRITING and (other := unfinished_writer(session, row.bank_id)):
                raise Conflict(
                    f"the bank has the unfinished {other.kind} {other.id}: let it finish or cancel it"
                )
            take_again(session, row, {item.sample_id for item in failed})
            again = sorted(
                [[item.epoch, item.sample_id] for item in failed] + [list(item) for item in released]
            )
            row.request = row.request | {"retries": [*row.request.get("retries", ()), again]}
            row.status, row.reason = "queued", RESUMED
            row.result = row.error = row.finished_at = None
            session.execute(
                update(ItemRow)
                .where(ItemRow.job_id == job_id)
                .where(
                    (ItemRow.status == "failed")
                    | (ItemRow.status == "quarantined") & ItemRow.sample_id.in_([s for _, s in released])
                )
                .values(status="queued", error=None, finished_at=None)
            )
            tell_job(session, row)
            return job_of(row)

    def _row(self, session: Session, job_id: str, *, among: Sequence[str], to: str) -> JobRow:
        row = session.get(JobRow, job_id)
        if row is None or not self._caller.has(row):
            raise NotFound(f"there is no job '{job_id}'")
        if row.status not in among:
            raise Conflict(f"job {job_id} is {row.status}: only one that is {' or '.join(among)} can {to}")
        return row
