"""Jobs that were submitted, not run in the foreground: run by their id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import assert_never

from index.errors import IndexingError
from ted.bank.job_values import Job, JobKind
from ted.errors import Conflict, JobStopped, TedError
from ted.jobs import bank_merge, compression, distillation, evaluation, reembedding
from ted.jobs.installation import Installation
from ted.logs import belonging_to
from ted.tracing import root_span

_log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0
"""Between two looks at whether a bank is free."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What runs a submitted job of a kind, and its version: a job begun under another one is not run."""

    version: int
    run: Callable[[Installation, Job], Awaitable[Job]]


def flow_of(kind: JobKind) -> Flow:
    """The one place that knows what runs which kind."""
    match kind:
        case "distillation":
            return Flow(distillation.FLOW_VERSION, distillation.run_submitted)
        case "compression":
            return Flow(compression.FLOW_VERSION, compression.run_submitted)
        case "evaluation":
            return Flow(evaluation.FLOW_VERSION, evaluation.run_submitted)
        case "reembedding":
            return Flow(reembedding.FLOW_VERSION, reembedding.run_submitted)
        case "bank_merge":
            return Flow(bank_merge.FLOW_VERSION, bank_merge.run_submitted)
        case _:
            assert_never(kind)


async def run_job(ted: Installation, job_id: str) -> None:
    """Runs a job that is queued, or was running when its process ended; what cannot be run fails, and says why.

    It waits while another run holds the bank: one that was cancelled ends its calls, a command its job. Cancelled in
    the run, the job is queued again and the cancellation goes on.
    """
    while await _could_not_begin(ted, job_id):  # noqa: ASYNC110 - another process lets go of a file: no event tells
        await asyncio.sleep(WAIT_SECONDS)  # out here, where a cancellation leaves the other run's job alone


async def _could_not_begin(ted: Installation, job_id: str) -> bool:
    """Whether another run held the bank, or the job; else the job was run, or is not to be run."""
    job = await asyncio.to_thread(ted.jobs.get, job_id)
    if job.status not in ("queued", "running"):
        return False
    traced = root_span(f"job {job.kind}", ted_job_id=job.id, ted_job_kind=job.kind, ted_bank_id=job.bank_id)
    with belonging_to(job_id=job.id), traced as run:
        waits = await _run_unfinished(ted, job)
        run.set_attribute("ted.job.status", (await asyncio.to_thread(ted.jobs.get, job.id)).status)
        return waits


async def _run_unfinished(ted: Installation, job: Job) -> bool:
    """Whether it must wait for another run."""
    flow, begun_by = flow_of(job.kind), job.request.get("flow")
    if begun_by != flow.version:
        told = f"it was begun by flow {begun_by}, this version of TED has flow {flow.version}: begin it anew"
        await asyncio.to_thread(ted.jobs.finish, job.id, "failed", result=None, error=told)
        return False
    try:
        await flow.run(ted, job)
    except asyncio.CancelledError:
        ted.jobs.requeue(job.id)
        raise
    except JobStopped as stopped:
        _log.info("not begun: %s", stopped)
    except Conflict as error:
        _log.info("job %s waits: %s", job.id, error)
        return True
    except (TedError, IndexingError) as error:
        await asyncio.to_thread(ted.jobs.finish, job.id, "failed", result=None, error=str(error))
    except Exception as error:
        _log.exception("job %s was stopped by a defect", job.id)
        told = f"{type(error).__name__}: {error}"
        await asyncio.to_thread(ted.jobs.finish, job.id, "failed", result=None, error=told)
    return False
