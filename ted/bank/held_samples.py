"""Samples of distillations that are held back, by what they say: once a bank. Used in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from ted.bank.job_tables import ItemRow, JobRow, QuarantinedSampleRow, SampleRow
from ted.ids import new_id
from ted.injections import Injection
from ted.sample import Sample
from ted.sample_sets import samples_digest


def hold_back(session: Session, job: JobRow, sample: Sample, found: Injection) -> str:
    """The id under which the sample is held back in the job's bank, now or since an earlier job."""
    digest = samples_digest([sample if found.field == "id" else replace(sample, id="")])
    q = QuarantinedSampleRow
    known = session.scalar(select(q).where(q.bank_id == job.bank_id, q.digest == digest))
    if known is None:
        known = q(
            id=new_id("held"),
            project_id=job.project_id,
            bank_id=job.bank_id,
            digest=digest,
            job_id=job.id,
            sample_id=sample.id,
            found=found.to_json(),
        )
        session.add(known)
        session.flush()
    return known.id


def held_samples(session: Session, job_id: str) -> dict[str, str]:
    """By the id of each sample of the job that may not be worked on: why not, in words."""
    q = QuarantinedSampleRow
    query = (
        select(SampleRow.id, q)
        .join(q, q.id == SampleRow.quarantine_id)
        .where(SampleRow.job_id == job_id, q.accepted.is_not(True))
    )
    return {sample_id: _told(row) for sample_id, row in session.execute(query)}


def _told(row: QuarantinedSampleRow) -> str:
    found = Injection(**row.found)
    said = "rejected" if row.accepted is False else f"waits for a review as {row.id}"
    return f"{found.told}; it {'was ' if row.accepted is False else ''}{said}"


def accepted_since(session: Session, job_id: str) -> Sequence[tuple[int, str]]:
    """Epoch and sample of the items of a job that were held back and may be worked on by now."""
    held = held_samples(session, job_id)
    query = select(ItemRow.epoch, ItemRow.sample_id).where(
        ItemRow.job_id == job_id, ItemRow.status == "quarantined"
    )
    rows = session.execute(query.order_by(ItemRow.epoch, ItemRow.sample_id)).tuples().all()
    return [(epoch, sample_id) for epoch, sample_id in rows if sample_id not in held]
