"""Jobs as values: what one is, what states it has, how far it is. The store of them is ted/bank/jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from ted.bank.job_tables import JobRow

JobKind = Literal["distillation", "compression", "evaluation", "reembedding", "bank_merge"]
JobStatus = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
WRITING: tuple[JobKind, ...] = ("distillation", "compression", "reembedding", "bank_merge")
UNFINISHED: tuple[JobStatus, ...] = ("queued", "running", "paused")
ASKED_TO_PAUSE, INTERRUPTED, RESUMED = "paused on request", "interrupted", "resumed on request"
"""Reasons of a state: somebody paused it, its process was stopped, somebody resumed it and nobody took it up yet."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store has it, charged to the key that submitted it.

    `digest` is over all that decides its outcome; `runs` counts its starts.
    """

    id: str
    project_id: str
    bank_id: str
    key_id: str | None
    kind: JobKind
    status: JobStatus
    reason: str | None
    request: dict[str, Any]
    digest: str
    budget: dict[str, Any]
    runs: int
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """Items of a job by what became of them; `skipped` are the groups in which every trajectory was right, `quarantined`
    those that are not worked on before somebody accepted them."""

    total: int
    completed: int
    failed: int
    skipped: int
    quarantined: int = 0


def may_go_on(job: Job, *, seen: Job) -> bool:
    """Whether to run a job that was handed over as it was `seen`: not, where it was paused or has ended meanwhile."""
    return job.status in UNFINISHED and (job.status != "paused" or seen.status == "paused")


def rounds_of(request: dict[str, Any]) -> int:
    """How often each sample is worked on: in each epoch of a distillation, under each arm of an evaluation."""
    return int(request.get("epochs") or len(request.get("arms", ())) or 1)


def job_of(row: JobRow) -> Job:
    """The value of a job row."""
    return Job(
        id=row.id,
        project_id=row.project_id,
        bank_id=row.bank_id,
        key_id=row.key_id,
        kind=cast(JobKind, row.kind),
        status=cast(JobStatus, row.status),
        reason=row.reason,
        request=row.request,
        digest=row.digest,
        budget=row.budget,
        runs=row.runs,
        result=row.result,
        error=row.error,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def counts_of(row: JobRow, samples: int, items: Mapping[str, int]) -> ItemCounts:
    """How far the job of the row is: by its steps, or by its samples and the items of each status."""
    if row.steps is not None:
        return ItemCounts(row.steps, row.steps_done, 0, 0)
    done, skipped = items.get("done", 0) + items.get("no_majority", 0), items.get("all_correct", 0)
    total = sum(items.values()) if row.kind == "compression" else samples * rounds_of(row.request)
    return ItemCounts(total, done + skipped, items.get("failed", 0), skipped, items.get("quarantined", 0))
