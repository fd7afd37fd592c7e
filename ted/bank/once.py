"""Requests that make a job once, however often they come: a key of the caller's, kept with the job it made."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ted.bank.job_tables import JobRow, KeyedJobRow
from ted.errors import Conflict


@dataclass(frozen=True, slots=True)
class Once:
    """The caller's key, and a digest of all that was asked under it."""

    key: str
    fingerprint: str


def job_made(session: Session, project_id: str, once: Once) -> JobRow | None:
    """The job that was made under this key, if any. Raises Conflict where something else was asked under it."""
    row = session.get(KeyedJobRow, (project_id, once.key))
    if row is None:
        return None
    if row.fingerprint != once.fingerprint:
        raise Conflict(
            f"the idempotency key '{once.key}' came with another request before, which made job {row.job_id}: "
            "give each request a key of its own"
        )
    return session.get_one(JobRow, row.job_id)


def remember_job(session: Session, job: JobRow, once: Once) -> None:
    """Within the transaction that makes the job, or lets it go on."""
    session.add(
        KeyedJobRow(project_id=job.project_id, key=once.key, fingerprint=once.fingerprint, job_id=job.id)
    )
