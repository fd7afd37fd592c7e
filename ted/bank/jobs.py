"""Jobs, their samples and items in the store. Running them is ted/jobs' affair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.from_answers import give_back, take
from ted.bank.held_samples import hold_back
from ted.bank.job_events import tell_job, tell_once
from ted.bank.job_tables import ItemRow, JobRow, SampleRow
from ted.bank.job_values import (
    INTERRUPTED,
    RESUMED,
    UNFINISHED,
    WRITING,
    ItemCounts,
    Job,
    JobKind,
    JobStatus,
    counts_of,
    job_of,
)
from ted.bank.once import Once, job_made, remember_job
from ted.bank.rows import store_images
from ted.bank.sample_rows import VALIDATION, SampleRole, sample_of, sample_row
from ted.bank.tables import BankRow, now
from ted.errors import BadInput, Conflict, JobStopped, NotFound
from ted.ids import new_id
from ted.injections import injection_in_sample
from ted.sample import Sample


class JobStore:
    """Reads and writes a caller's jobs; each method is one short transaction. `caller` None: everybody's, for workers."""

    def __init__(self, database: Database, caller: Caller | None) -> None:
        self._database, self._caller = database, caller

    def create(
        self,
        bank_id: str,
        kind: JobKind,
        *,
        request: dict[str, Any],
        digest: str,
        budget: dict[str, Any],
        samples: Sequence[Sample] = (),
        answers: Mapping[str, str] = MappingProxyType({}),
        validation: Sequence[Sample] = (),
        once: Once | None = None,
    ) -> Job:
        """A queued job with its samples; of a distillation, those that give the model orders are held back.

        Under the key of `once` the job that it made before, if it made one. `answers`: those that samples were made of,
        which are the job's from then on (ted/bank/from_answers). Raises BadInput for samples of the same ids, Conflict
        while another writing job of the bank is unfinished, where an answer is another job's, and for a key of another
        request.
        """
        found = [injection_in_sample(s) if kind == "distillation" else None for s in samples]
        _check_ids(samples, validation)
        with self._database.writing() as session:
            bank = self._bank(session, bank_id)
            if once is not None and (made := job_made(session, bank.project_id, once)):
                return job_of(made)
            if kind in WRITING and (other := unfinished_writer(session, bank_id)):
                raise Conflict(
                    f"bank '{bank.name}' has the unfinished {other.kind} {other.id} ({other.status}): "
                    "let it finish or cancel it first"
                )
            row = JobRow(
                id=new_id("job"),
                project_id=bank.project_id,
                bank_id=bank_id,
                key_id=self._caller.key_id if self._caller else None,
                kind=kind,
                status="queued",
                request=request,
                digest=digest,
                budget=budget,
            )
            session.add(row)
            session.flush()
            for position, (sample, suspect) in enumerate(zip(samples, found, strict=True)):
                store_images(session, bank.project_id, sample.question.images)
                held = hold_back(session, row, sample, suspect) if suspect else None
                session.add(sample_row(row, position, sample, quarantine_id=held))
            for position, sample in enumerate(validation):
                store_images(session, bank.project_id, sample.question.images)
                session.add(sample_row(row, position, sample, role="validation"))
            session.flush()
            take(session, row, answers)
            if once is not None:
                remember_job(session, row, once)
            tell_job(session, row)
            return job_of(row)

    def get(self, job_id: str) -> Job:
        """One job. Raises NotFound."""
        with self._database.reading() as session:
            return job_of(self._row(session, job_id))

    def latest(self, bank_id: str, digest: str) -> Job | None:
        """The newest job of the bank with this digest that was not cancelled."""
        query = (
            select(JobRow)
            .where(
                JobRow.bank_id == bank_id, JobRow.digest == digest, JobRow.status != "cancelled", self._theirs
            )
            .order_by(JobRow.id.desc())
            .limit(1)
        )
        with self._database.reading() as session:
            row = session.scalar(query)
            return job_of(row) if row else None

    def all(self, bank_id: str | None = None, statuses: Sequence[JobStatus] = ()) -> list[Job]:
        """Jobs, oldest first, of a bank and of these statuses if given."""
        query = select(JobRow).where(self._theirs).order_by(JobRow.id)
        if bank_id is not None:
            query = query.where(JobRow.bank_id == bank_id)
        if statuses:
            query = query.where(JobRow.status.in_(statuses))
        with self._database.reading() as session:
            return [job_of(row) for row in session.scalars(query)]

    def samples(self, job_id: str, *, role: SampleRole = "work") -> list[Sample]:
        """The samples a job was given to work on, or to validate with, in their order, images included."""
        query = select(SampleRow).where(SampleRow.job_id == job_id, SampleRow.role == role)
        query = query.order_by(SampleRow.position)
        with self._database.reading() as session:
            self._row(session, job_id)
            return [sample_of(session, row) for row in session.scalars(query).all()]

    def begin(self, job_id: str, *, among: Sequence[JobStatus] = UNFINISHED) -> Job:
        """The job runs (again). Raises JobStopped where its status is not among these."""
        with self._database.writing() as session:
            row = self._row(session, job_id)
            if row.status not in among:
                raise JobStopped(f"job {job_id} is {row.status}")
            row.status, row.reason, row.runs = "running", None, row.runs + 1
            row.started_at = row.started_at or now()
            tell_job(session, row)
            return job_of(row)

    def checkpoint(self, run: Job) -> None:
        """Nothing, while this run of the job goes on. Raises JobStopped where somebody paused or cancelled it."""
        query = select(JobRow.status, JobRow.runs).where(JobRow.id == run.id)
        with self._database.reading() as session:
            found = session.execute(query).one_or_none()
        if found is None or tuple(found) != ("running", run.runs):
            raise JobStopped(f"job {run.id} is {found[0] if found else 'gone'}")

    def set_budget(self, job_id: str, budget: dict[str, Any]) -> None:
        """Another budget for a job, from its next run on."""
        with self._database.writing() as session:
            self._row(session, job_id).budget = budget

    def made(self, bank_id: str, once: Once) -> Job | None:
        """The job that a request with this key made, if any. Raises NotFound, Conflict for a key of another request."""
        with self._database.reading() as session:
            bank = self._bank(session, bank_id)
            row = job_made(session, bank.project_id, once)
            return job_of(row) if row else None

    def queue(self, job_id: str, budget: dict[str, Any], *, once: Once | None = None) -> Job:
        """An unfinished job waits to be run, with this budget. One that has ended stays as it is."""
        with self._database.writing() as session:
            row = self._row(session, job_id)
            if once is not None:
                if made := job_made(session, row.project_id, once):
                    return job_of(made)
                remember_job(session, row, once)
            if row.status in UNFINISHED:
                reason = RESUMED if row.status == "paused" else None
                row.status, row.reason, row.budget = "queued", reason, budget
                tell_job(session, row)
            return job_of(row)

    def requeue(self, job_id: str) -> Job:
        """A job that its process interrupted waits to be run again; one that somebody paused, or runs, stays so."""
        with self._database.writing() as session:
            row = self._row(session, job_id)
            if row.status == "paused" and row.reason == INTERRUPTED:
                row.status, row.reason = "queued", None
                tell_job(session, row)
            return job_of(row)

    def pause(self, job_id: str, reason: str) -> Job:
        """A running job rests; it goes on when it is started again. One in another state stays so."""
        with self._database.writing() as session:
            row = self._row(session, job_id)
            if row.status == "running":
                row.status, row.reason = "paused", reason
                tell_job(session, row)
            return job_of(row)

    def finish(
        self, job_id: str, status: JobStatus, *, result: dict[str, Any] | None, error: str | None = None
    ) -> Job:
        """The job has ended. One that has ended before, or was cancelled, stays as it is."""
        with self._database.writing() as session:
            row = self._row(session, job_id)
            end_job(session, row, status, result=result, error=error)
            return job_of(row)

    def tell_once(self, job_id: str, event: str, data: dict[str, Any]) -> None:
        """Something that befell the job, told under this name once only."""
        with self._database.writing() as session:
            tell_once(session, self._row(session, job_id), event, data)

    def counts(self, job_id: str) -> ItemCounts:
        """How far the job is; the total is its samples times its epochs."""
        by_status = (
            select(ItemRow.status, func.count()).where(ItemRow.job_id == job_id).group_by(ItemRow.status)
        )
        samples = select(func.count()).where(SampleRow.job_id == job_id, SampleRow.role == "work")
        with self._database.reading() as session:
            row = self._row(session, job_id)
            found = dict(session.execute(by_status).tuples().all())
            return counts_of(row, session.scalar(samples) or 0, found)

    def _row(self, session: Session, job_id: str) -> JobRow:
        row = session.get(JobRow, job_id)
        if row is None or not (self._caller is None or self._caller.has(row)):
            raise NotFound(f"there is no job {job_id}")
        return row

    def _bank(self, session: Session, bank_id: str) -> BankRow:
        row = session.get(BankRow, bank_id)
        if row is None or not (self._caller is None or self._caller.has(row)):
            raise NotFound(f"there is no bank {bank_id}")
        return row

    @property
    def _theirs(self) -> ColumnElement[bool]:
        return true() if self._caller is None else self._caller.theirs(JobRow)


def end_job(
    session: Session,
    row: JobRow,
    status: JobStatus,
    *,
    result: dict[str, Any] | None,
    error: str | None = None,
) -> None:
    """Within the transaction that ends a job; one that has ended before stays as it is."""
    if row.status in UNFINISHED:
        row.status, row.reason = status, None
        row.result, row.error, row.finished_at = result, error, now()
        if status != "succeeded":
            give_back(session, row)
        tell_job(session, row)


def _check_ids(samples: Sequence[Sample], validation: Sequence[Sample]) -> None:
    """Raises BadInput where a sample's id would be that of one to validate with."""
    taken = {f"{VALIDATION}{sample.id}" for sample in validation}
    if clash := next((sample.id for sample in samples if sample.id in taken), None):
        raise BadInput(f"the sample id '{clash}' is kept for samples to validate with: give it another one")


def unfinished_writer(session: Session, bank_id: str) -> JobRow | None:
    """The job that writes the bank, waits to, or rests."""
    query = select(JobRow).where(
        JobRow.bank_id == bank_id, JobRow.kind.in_(WRITING), JobRow.status.in_(UNFINISHED)
    )
    return session.scalar(query.limit(1))
