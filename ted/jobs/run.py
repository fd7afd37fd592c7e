"""Jobs that were submitted, not run in the foreground: run by their id."""

from __future__ import annotations

import asyncio
import logging
from typing import assert_never

from index.errors import IndexingError
from ted.bank.bank import Bank
from ted.bank.jobs import Job, JobKind
from ted.errors import Conflict, JobStopped, TedError
from ted.jobs import bank_merge, compression, distillation, evaluation
from ted.jobs.installation import Installation
from ted.logs import belonging_to

_log = logging.getLogger(__name__)

WAIT_SECONDS = 1.0
"""Between two looks at whether a bank is free."""

FLOWS: dict[JobKind, int] = {
    "distillation": distillation.FLOW_VERSION,
    "compression": compression.FLOW_VERSION,
    "evaluation": evaluation.FLOW_VERSION,
    "bank_merge": bank_merge.FLOW_VERSION,
}
"""The version of each kind's flow: what was begun by another one is not run."""


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
    with belonging_to(job_id=job.id):
        return await _run_unfinished(ted, job)


async def _run_unfinished(ted: Installation, job: Job) -> bool:
    """Whether it must wait for another run."""
    begun_by = job.request.get("flow")
    if begun_by != FLOWS[job.kind]:
        told = (
            f"it was begun by flow {begun_by}, this version of TED has flow {FLOWS[job.kind]}: begin it anew"
        )
        await asyncio.to_thread(ted.jobs.finish, job.id, "failed", result=None, error=told)
        return False
    try:
        bank = await asyncio.to_thread(ted.bank, job.bank_id)
        await _run(ted, bank, job)
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


async def _run(ted: Installation, bank: Bank, job: Job) -> None:
    teacher = ted.teacher(job.request["teacher"])
    match job.kind:
        case "distillation":
            distilling = distillation.DistillationRunner(
                bank, jobs=ted.jobs, material=ted.material, calls=ted.calls, drain=ted.drain
            )
            await distilling.run(job, student=ted.student(job.request["student"]), teacher=teacher)
        case "compression":
            await compression.CompressionRunner(bank, jobs=ted.jobs, calls=ted.calls, drain=ted.drain).run(
                job, teacher=teacher
            )
        case "evaluation":
            evaluating = evaluation.EvaluationRunner(
                bank, jobs=ted.jobs, material=ted.material, calls=ted.calls, drain=ted.drain
            )
            await evaluating.run(job, student=ted.student(job.request["student"]), teacher=teacher)
        case "bank_merge":
            await bank_merge.BankMergeRunner(bank, jobs=ted.jobs, calls=ted.calls, drain=ted.drain).run(
                job, teacher=teacher
            )
        case _:
            assert_never(job.kind)
