"""What befell a job, in order: told in the transaction that changes it, read in pages. Streaming it is a face's affair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.job_tables import EventRow, ItemRow, JobRow
from ted.bank.pages import Page, Paged, paged
from ted.errors import BadInput, NotFound

FINAL = ("job.succeeded", "job.failed", "job.cancelled")
"""After one of these nothing follows, unless the job is retried."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a job or of an item of it; `sequence` counts from 1 within the job, without gaps."""

    job_id: str
    sequence: int
    event: str
    data: dict[str, Any]
    created_at: datetime


class EventStore:
    """Reads what befell a caller's jobs; each method is one short transaction."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    def events(self, job_id: str, page: Page) -> Paged[Event]:
        """The events of a job by their sequence. Raises NotFound, BadInput for a cursor that is no number."""
        query = select(EventRow).where(EventRow.job_id == job_id)
        with self._database.reading() as session:
            if not self._caller.has(session.get(JobRow, job_id)):
                raise NotFound(f"there is no job '{job_id}'")
            rows, more = paged(session, query, page, by=[EventRow.sequence], decode=_sequence)
            return Paged(tuple(_event(row) for (row,) in rows), more)


def tell_job(session: Session, job: JobRow) -> None:
    """The job's state, within the transaction that changed it."""
    told = {"status": job.status, "reason": job.reason, "error": job.error}
    _tell(session, job, f"job.{job.status}", {k: v for k, v in told.items() if v is not None})


def tell_steps(session: Session, job: JobRow) -> None:
    """How many of its steps are done, within the transaction that did some."""
    _tell(session, job, "job.progress", {"done": job.steps_done, "total": job.steps})


def tell_item(session: Session, job: JobRow, item: ItemRow) -> None:
    """The item's state, within the transaction that changed it."""
    told = {"item": f"{item.epoch}:{item.sample_id}", "status": item.status, "error": item.error}
    _tell(session, job, f"item.{item.status}", {k: v for k, v in told.items() if v is not None})


def tell_once(session: Session, job: JobRow, event: str, data: dict[str, Any]) -> None:
    """An event that a job has once at most, however often it is run."""
    known = select(EventRow.sequence).where(EventRow.job_id == job.id, EventRow.event == event)
    if session.scalar(known.limit(1)) is None:
        _tell(session, job, event, data)


def _tell(session: Session, job: JobRow, event: str, data: dict[str, Any]) -> None:
    """Numbers do not clash: one transaction writes at a time."""
    session.flush()
    last = session.scalar(select(func.max(EventRow.sequence)).where(EventRow.job_id == job.id)) or 0
    session.add(EventRow(job_id=job.id, sequence=last + 1, project_id=job.project_id, event=event, data=data))


def _sequence(cursor: str) -> tuple[int]:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
        raise BadInput(f"{cursor!r} is no event of a job: give the id of one, a whole number")
    return (int(cursor),)


def _event(row: EventRow) -> Event:
    return Event(row.job_id, row.sequence, row.event, row.data, row.created_at)
