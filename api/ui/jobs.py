"""`/ui/jobs`: listed, followed while they run, paused, resumed, cancelled, retried; and the report of an evaluation."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from api.dependencies import NUMBER, JobPath, Serving
from api.routes.job_events import EVENT_STREAM, event_stream
from api.schemas.job_requests import BudgetIn, ResumeIn
from api.service import Service
from api.ui.admission import ROOT
from api.ui.forms import PageForm, body_of, page_form
from api.ui.pages import After, Before, newest, ways
from api.ui.rendering import page
from ted.bank.job_listings import JobDetails
from ted.bank.job_values import UNFINISHED, JobStatus
from ted.bank.pages import Page
from ted.evaluation.rendering import as_part
from ted.jobs.reports import EvaluationReports

router = APIRouter(prefix=f"{ROOT}/jobs", include_in_schema=False)

FAILED = 20
"""Failed items that a page shows."""

EVENTS = (
    *(
        f"job.{name}"
        for name in ("queued", "running", "paused", "succeeded", "failed", "cancelled", "progress")
    ),
    *(f"item.{name}" for name in ("queued", "running", "done", "all_correct", "failed")),
)
"""What a page that follows a job listens to."""

Action = Literal["pause", "resume", "cancel", "retry"]


@router.get("")
def get_jobs(
    request: Request,
    service: Serving,
    status: JobStatus | None = None,
    bank: str | None = None,
    after: After = None,
    before: Before = None,
) -> Response:
    """Newest first."""
    bank_id = service.ted.banks.find(bank) if bank else None
    part = newest(after, before)
    found = service.job_listings.jobs(part, bank_id=bank_id, status=status)
    ids = [one.job.id for one in found.data]
    query = {"status": status, "bank": bank}
    turn = ways(request.url.path, part, ids, has_more=found.has_more, **query)
    names = {i: service.listings.bank(i).name for i in {one.job.bank_id for one in found.data}}
    return page(request, "jobs.html", found=found.data, names=names, turn=turn, status=status, bank=bank)


@router.get("/{job_id}")
def get_job(request: Request, job_id: JobPath, service: Serving) -> Response:
    """How far it is; a page that is open follows its events."""
    details = service.job_listings.job(job_id)
    bank = service.listings.bank(details.job.bank_id)
    follows = details.job.status in UNFINISHED
    events = " ".join(EVENTS)
    return page(
        request,
        "job.html",
        bank=bank,
        events=events,
        follows=follows,
        alone=False,
        **_progress(service, details),
    )


@router.get("/{job_id}/progress")
def get_progress(request: Request, job_id: JobPath, service: Serving) -> Response:
    """The part of the page that moves, and in a few words for who hears it."""
    details = service.job_listings.job(job_id)
    response = page(request, "progress.html", alone=True, **_progress(service, details))
    if details.job.status not in UNFINISHED:
        response.headers["HX-Trigger"] = "job-ended"
    return response


def _progress(service: Service, details: JobDetails) -> dict[str, Any]:
    failed = service.job_listings.items(details.job.id, Page(FAILED), status="failed")
    return {"details": details, "job": details.job, "failed": failed}


@router.get("/{job_id}/events")
async def get_events(
    job_id: JobPath,
    service: Serving,
    last_event_id: Annotated[str | None, Header(pattern=NUMBER)] = None,
) -> Response:
    """A stream that begins after `Last-Event-ID` and ends with the job."""
    await asyncio.to_thread(service.job_listings.job, job_id)
    stream = event_stream(service, job_id, int(last_event_id or 0))
    return StreamingResponse(stream, media_type=EVENT_STREAM, headers={"X-Accel-Buffering": "no"})


@router.get("/{job_id}/report")
def get_report(request: Request, job_id: JobPath, service: Serving) -> Response:
    """Of what has been answered by now."""
    details = service.job_listings.job(job_id)
    report = EvaluationReports(service.ted.database, service.ted.jobs).report(job_id)
    bank = service.listings.bank(details.job.bank_id)
    return page(request, "evaluation.html", job=details.job, bank=bank, report=as_part(report))


@router.post("/{job_id}/{action}")
async def post_action(
    request: Request, job_id: JobPath, action: Annotated[Action, Path()], service: Serving
) -> Response:
    """One of them; a job that is resumed may have another budget."""
    form = await page_form(request)
    await asyncio.to_thread(_act, service, job_id, action, form)
    return RedirectResponse(f"{ROOT}/jobs/{job_id}", 303)


def _act(service: Service, job_id: str, action: Action, form: PageForm) -> None:
    service.job_listings.job(job_id)
    match action:
        case "pause":
            service.job_control.pause(job_id)
        case "cancel":
            service.job_control.cancel(job_id)
        case "resume":
            service.job_control.resume(job_id, _limits(form))
            service.worker.submit(job_id)
        case "retry":
            service.job_control.retry(job_id)
            service.worker.submit(job_id)


def _limits(form: PageForm) -> dict[str, object] | None:
    """Another budget, where one was written; nothing written is the budget that it has."""
    given = {name: form.number(f"budget_{name}") for name in ("usd", "tokens", "calls")}
    wanted = {name: value for name, value in given.items() if value is not None}
    return body_of(ResumeIn, {"budget": body_of(BudgetIn, wanted)}).limits if wanted else None
