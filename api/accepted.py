"""Requests that make a job: their idempotency key, and how a job that was made is answered."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated

from fastapi import Depends, Header, Response
from pydantic import BaseModel

from api.problems import BadField
from api.schemas.jobs import JobOut
from api.service import Service
from ted.bank.jobs import Job, JobKind
from ted.bank.once import Once
from ted.bank.stored import StoredBank

_GOOD_KEY = re.compile(r"[!-~]{1,255}")


def idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            description="A name of the caller's for this request, up to 255 visible ASCII characters: however often it "
            "comes with this name, it makes one job. Another request under it is 409."
        ),
    ] = None,
) -> str | None:
    """The key of the request, if it has one. Raises BadField."""
    if idempotency_key is not None and not _GOOD_KEY.fullmatch(idempotency_key):
        raise BadField(("header", "idempotency-key"), "is not 1 to 255 visible ASCII characters")
    return idempotency_key


IdempotencyKey = Annotated[str | None, Depends(idempotency_key)]


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
