"""Requests that make a job: their idempotency key, and how a job that was made is answered."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import Header, Response
from pydantic import BaseModel

from api.schemas.jobs import JobOut
from api.service import Service
from ted.bank.job_values import Job, JobKind
from ted.bank.once import Once
from ted.bank.stored import StoredBank

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern="^[!-~]{1,255}$",
        description="A name of the caller's for this request, up to 255 visible ASCII characters: however often it "
        "comes with this name, it makes one job. Another request under it is 409.",
    ),
]


def once(key: str | None, kind: JobKind, bank: StoredBank, body: BaseModel) -> Once | None:
    """The key with a digest of all that is asked."""
    if key is None:
        return None
    asked = [kind, bank.id, body.model_dump(mode="json")]
    return Once(key, hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest())


def accepted(job: Job, service: Service, response: Response) -> JobOut:
    """The job is handed to the worker, if it still waits, and shown."""
    if job.status == "queued":
        service.worker.submit(job.id)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobOut.of(service.job_listings.job(job.id))
