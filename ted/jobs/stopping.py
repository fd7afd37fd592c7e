"""Running a job's work until it is done, rests or fails, or until somebody pauses or cancels the job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ted.bank.job_values import INTERRUPTED, Job
from ted.bank.jobs import JobStore
from ted.errors import BudgetExhausted, JobStopped, LedgerConflict

T = TypeVar("T")

WATCH_SECONDS = 0.25
GRACE_SECONDS = 5.0
"""What calls in flight are given to end by themselves, so that they are not paid for in vain."""


async def unless_stopped(
    work: Coroutine[Any, Any, T], checkpoint: Callable[[], None], *, grace: float = GRACE_SECONDS
) -> T:
    """The result of the work. Raises JobStopped once the checkpoint does and nothing of the work is left running.

    The work has `grace` seconds to come to a checkpoint of its own, and is cancelled then.
    """
    running = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({running}, timeout=WATCH_SECONDS))[0]:
            try:
                await asyncio.to_thread(checkpoint)
            except JobStopped:
                if not (await asyncio.wait({running}, timeout=grace))[0]:
                    raise
        return running.result()
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})


async def done_or_ended(
    work: Coroutine[Any, Any, T], checkpoint: Callable[[], None], *, job: Job, jobs: JobStore
) -> T | Job:
    """The result of the work; or the job, where it was stopped, rests at its budget, or failed at the ledger.

    What else ends the work, a cancellation too, lets the job rest and goes on.
    """
    try:
        return await unless_stopped(work, checkpoint)
    except JobStopped:
        return jobs.get(job.id)
    except BudgetExhausted as error:
        return jobs.pause(job.id, str(error))
    except LedgerConflict as error:
        return jobs.finish(job.id, "failed", result=None, error=str(error))
    except asyncio.CancelledError:
        jobs.pause(job.id, INTERRUPTED)
        raise
    except Exception as error:
        jobs.pause(job.id, f"stopped by {type(error).__name__}: {error}")
        raise
