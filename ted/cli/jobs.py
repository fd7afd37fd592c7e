"""`ted jobs list|show|watch|cancel|pause|resume|retry`: what runs or ran, whoever runs it."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, get_args

import typer

from ted.bank.job_control import JobControl
from ted.bank.job_listings import JobDetails, JobListings
from ted.bank.job_values import JobStatus
from ted.bank.pages import Page
from ted.bootstrap import Ted
from ted.cli import output
from ted.cli.context import exit_on_errors, opened, progress_bar, progress_console
from ted.cli.options import AsJson, BudgetCalls, BudgetTokens, BudgetUsd
from ted.errors import BadInput
from ted.jobs.places import is_served
from ted.jobs.run import run_job
from ted.settings import Budget

jobs = typer.Typer(
    no_args_is_help=True, help="List, show and watch jobs; cancel, pause, resume and retry them."
)

JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's id.")]
LOOK_SECONDS = 0.5


@jobs.command("list")
@exit_on_errors
def list_jobs(
    bank: Annotated[str | None, typer.Option(help="Only those of this bank.")] = None,
    status: Annotated[str | None, typer.Option(help=f"One of {', '.join(get_args(JobStatus))}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    json: AsJson = False,
) -> None:
    """The newest jobs, newest first."""
    with opened() as ted:
        bank_id = None if bank is None else ted.banks.find(bank)
        page = Page(limit, order="desc")
        found = JobListings(ted.database, ted.caller).jobs(page, bank_id=bank_id, status=_status(status))
        rows = [_row(details) for details in found.data]
        output.emit(rows, output.table("Jobs", rows), json)


@jobs.command("show")
@exit_on_errors
def show(job: JobId, json: AsJson = False) -> None:
    """One job: how far it is, what it spent, its result."""
    with opened() as ted:
        _emit(JobListings(ted.database, ted.caller).job(job), json)


@jobs.command("watch")
@exit_on_errors
def watch(job: JobId, json: AsJson = False) -> None:
    """Follow a job until it rests or has ended; exit code 1 where it did not succeed."""
    with opened() as ted:
        listings = JobListings(ted.database, ted.caller)
        details = listings.job(job)
        with progress_bar(progress_console(json)) as bar:
            task = bar.add_task(details.job.kind, total=details.counts.total)
            while details.job.status in ("queued", "running"):
                _advance(bar, task, details)
                time.sleep(LOOK_SECONDS)
                details = listings.job(job)
            _advance(bar, task, details)
        _emit(details, json)
    if details.job.status != "succeeded":
        raise typer.Exit(1)


@jobs.command("cancel")
@exit_on_errors
def cancel(job: JobId, json: AsJson = False) -> None:
    """End a job for good; what it did stays."""
    with opened() as ted:
        JobControl(ted.database, ted.caller).cancel(job)
        _emit(JobListings(ted.database, ted.caller).job(job), json)


@jobs.command("pause")
@exit_on_errors
def pause(job: JobId, json: AsJson = False) -> None:
    """Let a job rest until it is resumed."""
    with opened() as ted:
        JobControl(ted.database, ted.caller).pause(job)
        _emit(JobListings(ted.database, ted.caller).job(job), json)


@jobs.command("resume")
@exit_on_errors
def resume(
    job: JobId,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    json: AsJson = False,
) -> None:
    """Go on with a job that rests: in the server of this data directory, or here where there is none."""
    limits = {"usd": budget_usd, "tokens": budget_tokens, "calls": budget_calls}
    Budget(budget_usd, budget_tokens, budget_calls)
    changed = any(limit is not None for limit in limits.values())
    with opened() as ted:
        if ted.jobs.get(job).status != "queued":
            JobControl(ted.database, ted.caller).resume(job, limits if changed else None)
        _go_on(ted, job, json)


@jobs.command("retry")
@exit_on_errors
def retry(job: JobId, json: AsJson = False) -> None:
    """Work on a job's failed items again: in the server of this data directory, or here where there is none."""
    with opened() as ted:
        JobControl(ted.database, ted.caller).retry(job)
        _go_on(ted, job, json)


def _go_on(ted: Ted, job: str, json: bool) -> None:
    """A job that waits is left to the server, or run to its end; exit code 1 where it then did not succeed."""
    settings = ted.settings
    if is_served(settings.data_dir, ted.database, lease_seconds=settings.lease_seconds):
        _emit(
            JobListings(ted.database, ted.caller).job(job),
            json,
            note="The server of this data directory goes on with it.",
        )
        return
    asyncio.run(run_job(ted, job))
    details = JobListings(ted.database, ted.caller).job(job)
    _emit(details, json)
    if details.job.status != "succeeded":
        raise typer.Exit(1)


def _status(name: str | None) -> JobStatus | None:
    for known in get_args(JobStatus):
        if known == name:
            found: JobStatus = known
            return found
    if name is not None:
        raise BadInput(f"--status is {name!r}: there are {', '.join(get_args(JobStatus))}")
    return None


def _advance(bar: Any, task: Any, details: JobDetails) -> None:
    counts = details.counts
    bar.update(
        task,
        completed=counts.completed + counts.failed + counts.quarantined,
        total=counts.total,
        description=details.job.status,
    )


def _row(details: JobDetails) -> dict[str, object]:
    job, counts, spent = details.job, details.counts, details.spent
    return {
        "id": job.id,
        "kind": job.kind,
        "bank": job.bank_id,
        "status": job.status,
        "done": f"{counts.completed}/{counts.total}",
        "failed": counts.failed,
        "calls": spent.calls,
        "tokens": spent.tokens,
        "created_at": job.created_at.isoformat(timespec="seconds"),
    }


def _emit(details: JobDetails, json: bool, note: str = "") -> None:
    job, spent = details.job, details.spent
    why = job.reason or job.error
    value = _row(details) | {
        "reason": job.reason,
        "error": job.error,
        "request": job.request,
        "budget": job.budget,
        "result": job.result,
        "cost_usd": None if spent.unpriced else spent.cost_usd,
    }
    cost = f"${spent.cost_usd:.4f}" + (f" and {spent.unpriced} unpriced calls" if spent.unpriced else "")
    lines = [
        f"{job.kind.capitalize()} {job.id}: {job.status}" + (f" ({why})" if why else ""),
        f"  items: {details.counts.completed} of {details.counts.total} done, {details.counts.failed} failed",
        f"  calls: {spent.calls}, tokens: {spent.tokens}, cost: {cost}",
    ]
    output.emit(value, "\n".join([*lines, note] if note else lines), json)
