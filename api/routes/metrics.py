"""`/metrics`: what the process and its store are doing, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from sqlalchemy import select, true

from api.dependencies import Allowed, Running
from api.schemas.problem import errors
from api.service import Service
from ted.bank.job_values import JobStatus
from ted.bank.statistics import jobs_by_status
from ted.bank.tables import BankRow
from ted.errors import NotFound
from ted.metrics import Labels, gauge

router = APIRouter(tags=["health"])

MEDIA_TYPE = "text/plain; version=0.0.4"


@router.get("/metrics", summary="Metrics", response_class=PlainTextResponse, responses=errors(body=False))
def get_metrics(service: Running, allowed: Allowed) -> PlainTextResponse:
    """Prometheus' text format. Counters are of this process and begin at zero with it; jobs and banks are the store's."""
    lines = [*service.ted.measures.lines(), *_standing(service)]
    return PlainTextResponse("\n".join(lines) + "\n", media_type=MEDIA_TYPE)


def _standing(service: Service) -> Iterator[str]:
    ted = service.ted
    with ted.database.reading() as session:
        jobs = jobs_by_status(session, true())
        banks = session.execute(select(BankRow.id, BankRow.alarm)).tuples().all()
    yield from gauge(
        "ted_jobs", "Jobs by status.", ("status",), {(s,): jobs.get(s, 0) for s in get_args(JobStatus)}
    )
    yield from gauge(
        "ted_bank_alarm",
        "1 where a bank's answers were seen to be worse than those without it.",
        ("bank",),
        {(bank_id,): bool(alarm and alarm["raised"]) for bank_id, alarm in banks},
    )
    lags: dict[Labels, float] = {}
    keys: dict[Labels, float] = {}
    for bank in ted.opened_banks():
        try:
            health = bank.index_health()
        except NotFound:  # deleted by another process
            continue
        lags[(bank.id,)], keys[(bank.id,)] = health["revision_lag"], health["keys"]
    yield from gauge(
        "ted_index_revision_lag", "Revisions that an open bank's index is behind.", ("bank",), lags
    )
    yield from gauge("ted_index_keys", "Keys in an open bank's index.", ("bank",), keys)
    yield from gauge(
        "ted_under_way", "Requests and model calls of jobs.", (), {(): service.ted.drain.under_way}
    )
    yield from gauge("ted_draining", "1 while the server goes down.", (), {(): service.ted.drain.begun})
