"""Jobs with their progress and spending, and their items, for faces to show. Running jobs is ted/jobs' affair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.caller import Caller
from ted.bank.calls import Spent
from ted.bank.database import Database
from ted.bank.job_tables import CallRow, ItemRow, JobRow, SampleRow
from ted.bank.job_values import ItemCounts, Job, JobStatus, counts_of, job_of
from ted.bank.pages import Page, Paged, paged
from ted.errors import BadInput, NotFound


@dataclass(frozen=True, slots=True)
class JobDetails:
    """A job, how far it is, and what its answered calls came to."""

    job: Job
    counts: ItemCounts
    spent: Spent


@dataclass(frozen=True, slots=True)
class Item:
    """The work on one sample in one epoch, as far as it was begun; `correct` is the share of right attempts.

    Of an evaluation an item is a question under an arm, numbered as an epoch; of a compression a removal, union, merge or
    rewrite, without a question, or a question to validate with before or after. `row` is what came of it. Of an
    `unlabelled` sample, what stood in for its reference, once that is known.
    """

    id: str
    epoch: int
    sample_id: str
    status: str
    question: str
    correct: float | None
    changes: int
    skipped: int
    error: str | None
    finished_at: datetime | None
    row: dict[str, Any] | None = None
    unlabelled: bool = False
    stand_in: str | None = None


class JobListings:
    """Reads of a caller's jobs; each method is one short transaction."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    def jobs(
        self, page: Page, *, bank_id: str | None = None, status: JobStatus | None = None
    ) -> Paged[JobDetails]:
        """Jobs by id, of a bank and of a status if given."""
        query = self._jobs()
        if bank_id is not None:
            query = query.where(JobRow.bank_id == bank_id)
        if status is not None:
            query = query.where(JobRow.status == status)
        with self._database.reading() as session:
            rows, more = paged(session, query, page, by=[JobRow.id])
            return Paged(tuple(_details(session, [row for (row,) in rows])), more)

    def job(self, job_id: str) -> JobDetails:
        """One job. Raises NotFound."""
        with self._database.reading() as session:
            row = session.scalar(self._jobs().where(JobRow.id == job_id))
            if row is None:
                raise NotFound(f"there is no job '{job_id}'")
            return _details(session, [row])[0]

    def items(self, job_id: str, page: Page, *, status: str | None = None) -> Paged[Item]:
        """The items of a job that were begun, by epoch and the order of its samples, those that are of none before them.

        Raises NotFound.
        """
        self.job(job_id)
        query = (
            select(ItemRow, SampleRow)
            .outerjoin(SampleRow, (SampleRow.job_id == ItemRow.job_id) & (SampleRow.id == ItemRow.sample_id))
            .where(ItemRow.job_id == job_id)
        )
        if status is not None:
            query = query.where(ItemRow.status == status)
        with self._database.reading() as session:
            rows, more = paged(
                session,
                query,
                page,
                by=[ItemRow.epoch, _POSITION, ItemRow.sample_id],
                decode=lambda cursor: _place(session, job_id, cursor),
            )
            return Paged(tuple(_item(item, sample) for item, sample in rows), more)

    def _jobs(self) -> Any:
        return select(JobRow).where(self._caller.theirs(JobRow))


_POSITION = func.coalesce(SampleRow.position, -1)


def _place(session: Session, job_id: str, cursor: str) -> tuple[int, int, str]:
    """Epoch, position and sample of the item `epoch:sample`."""
    epoch, _, sample = cursor.partition(":")
    numbered = epoch.isascii() and epoch.isdigit() and len(epoch) < 9
    row = session.get(SampleRow, (job_id, sample))
    if not numbered or (row is None and session.get(ItemRow, (job_id, int(epoch), sample)) is None):
        raise BadInput(f"{cursor!r} is no item of this job: give the first_id or last_id of a page")
    return int(epoch), row.position if row else -1, sample


def _details(session: Session, rows: Sequence[JobRow]) -> list[JobDetails]:
    ids = [row.id for row in rows]
    samples = dict(
        session.execute(
            select(SampleRow.job_id, func.count())
            .where(SampleRow.job_id.in_(ids), SampleRow.role == "work")
            .group_by(SampleRow.job_id)
        )
        .tuples()
        .all()
    )
    by_status = select(ItemRow.job_id, ItemRow.status, func.count()).where(ItemRow.job_id.in_(ids))
    items: dict[str, dict[str, int]] = {job_id: {} for job_id in ids}
    for job_id, status, count in session.execute(by_status.group_by(ItemRow.job_id, ItemRow.status)):
        items[job_id][status] = count
    spent = _spent(session, ids)
    return [
        JobDetails(
            job_of(row),
            counts_of(row, samples.get(row.id, 0), items[row.id]),
            spent.get(row.id, Spent()),
        )
        for row in rows
    ]


def _spent(session: Session, owners: Sequence[str]) -> dict[str, Spent]:
    query: Any = (
        select(
            CallRow.owner,
            func.count(),
            func.coalesce(func.sum(CallRow.prompt_tokens), 0),
            func.coalesce(func.sum(CallRow.completion_tokens), 0),
            func.coalesce(func.sum(CallRow.cost_usd), 0.0),
            func.count().filter(CallRow.cost_usd.is_(None)),
        )
        .where(CallRow.owner.in_(owners), CallRow.outcome == "ok")
        .group_by(CallRow.owner)
    )
    return {owner: Spent(*sums) for owner, *sums in session.execute(query)}


def _item(row: ItemRow, sample: SampleRow | None) -> Item:
    outcome = row.outcome or {}
    return Item(
        id=f"{row.epoch}:{row.sample_id}",
        epoch=row.epoch,
        sample_id=row.sample_id,
        status=row.status,
        question=sample.question if sample else "",
        correct=outcome.get("correct"),
        changes=len(outcome.get("changes", ())),
        skipped=len(outcome.get("skipped", ())),
        error=row.error,
        finished_at=row.finished_at,
        row=outcome if "arm" in outcome or "kind" in outcome else None,
        unlabelled=sample is not None and sample.unlabelled,
        stand_in=outcome.get("stand_in"),
    )
