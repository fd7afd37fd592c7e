"""Jobs that were submitted, not run in the foreground: made, checked beforehand, and run by their id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Protocol, assert_never

from index.errors import IndexingError
from ted.bank.bank import Bank
from ted.bank.calls import CallStore, Owner
from ted.bank.jobs import Job, JobStore
from ted.bank.material import MaterialStore
from ted.chat import ChatModel
from ted.errors import Conflict, JobStopped, TedError
from ted.jobs.distillation import FLOW_VERSION, DistillationRunner, Options, digest_of
from ted.ledger import Ledger
from ted.sample import Sample
from ted.settings import Budget

_log = logging.getLogger(__name__)


class Installation(Protocol):
    """What running a job needs of an open TED."""

    @property
    def jobs(self) -> JobStore: ...

    @property
    def material(self) -> MaterialStore: ...

    @property
    def calls(self) -> CallStore: ...

    def bank(self, name: str) -> Bank:
        """The bank of this name or id, opened. Raises NotFound, StoreMismatch."""
        ...

    def student(self, name: str | None = None) -> ChatModel:
        """The model of this name, or the configured student."""
        ...

    def teacher(self, name: str | None = None) -> ChatModel:
        """The model of this name, or the configured teacher."""
        ...


def submit_distillation(
    ted: Installation, bank: Bank, samples: Sequence[Sample], options: Options, *, budget: Budget
) -> Job:
    """A queued distillation of the configured models. One that rests at its budget goes on, with this budget.

    Raises BadSetting for a budget that cannot be kept, Conflict while another job writes the bank or waits to.
    """
    student, teacher = ted.student(), ted.teacher()
    account = Ledger(ted.calls, Owner(bank.record.project_id, bank.id, ""), budget)
    for model in (student, teacher):
        account.around(model)
    latest = ted.jobs.latest(bank.id, digest_of(samples, options, student.name, teacher.name))
    if latest is not None and latest.status == "paused":
        return ted.jobs.queue(latest.id, asdict(budget))
    runner = DistillationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
    return runner.find_or_create(
        samples, options, student=student.name, teacher=teacher.name, budget=budget, new_run=True
    )


async def run_job(ted: Installation, job_id: str) -> None:
    """Runs a job that is queued, or was running when its process ended; what cannot be run fails, and says why.

    Cancelled, the job is queued again and the cancellation goes on.
    """
    job = await asyncio.to_thread(ted.jobs.get, job_id)
    if job.status not in ("queued", "running"):
        return
    match job.kind:
        case "distillation":
            await _run_distillation(ted, job)
        case "compression" | "evaluation":
            _log.info("job %s is a %s of the command line: it is left to it", job.id, job.kind)
        case _:
            assert_never(job.kind)


async def _run_distillation(ted: Installation, job: Job) -> None:
    if job.request["flow"] != FLOW_VERSION:
        told = f"it was begun by flow {job.request['flow']}, this version of TED has flow {FLOW_VERSION}: begin it anew"
        await asyncio.to_thread(ted.jobs.finish, job.id, "failed", result=None, error=told)
        return
    try:
        bank = await asyncio.to_thread(ted.bank, job.bank_id)
        student, teacher = ted.student(job.request["student"]), ted.teacher(job.request["teacher"])
        runner = DistillationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
        await runner.run(job, student=student, teacher=teacher)
    except asyncio.CancelledError:
        ted.jobs.requeue(job.id)
        raise
    except JobStopped as stopped:
        _log.info("not begun: %s", stopped)
    except Conflict as error:
        _log.warning("job %s waits for the next start: %s", job.id, error)
    except (TedError, IndexingError) as error:
        await asyncio.to_thread(ted.jobs.finish, job.id, "failed", result=None, error=str(error))
    except Exception as error:
        _log.exception("job %s was stopped by a defect", job.id)
        told = f"{type(error).__name__}: {error}"
        await asyncio.to_thread(ted.jobs.finish, job.id, "failed", result=None, error=told)
