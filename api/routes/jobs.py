"""`/v1/jobs`: what was asked for, how far it is, and what became of each sample."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Response

from api.accepting import wanted_of
from api.dependencies import JobPath, Paging, Serving
from api.schemas.common import ListOf, listed
from api.schemas.job_requests import ResumeIn
from api.schemas.jobs import ItemOut, JobOut, MaterialOut
from api.schemas.problem import errors
from ted.bank.job_values import JobStatus
from ted.evaluation.rendering import as_html, as_markdown
from ted.evaluation.report import Report
from ted.jobs.reports import EvaluationReports

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get("", summary="List jobs", responses=errors(404, body=False))
def get_jobs(
    page: Paging,
    service: Serving,
    bank: Annotated[str | None, Query(description="Only those of this bank (id or name).")] = None,
    status: Annotated[JobStatus | None, Query(description="Only those of this status.")] = None,
) -> ListOf[JobOut]:
    """Jobs, oldest first unless asked otherwise."""
    bank_id = None if bank is None else service.ted.banks.find(bank)
    found = service.job_listings.jobs(page, bank_id=bank_id, status=status)
    return listed([JobOut.of(j) for j in found.data], [j.job.id for j in found.data], has_more=found.has_more)


@router.get("/{job_id}", summary="Show a job", responses=errors(404, body=False))
def get_job(job_id: JobPath, service: Serving) -> JobOut:
    """How far it is, what it spent, and its result once it has ended."""
    return JobOut.of(service.job_listings.job(job_id))


_CHANGED = errors(404, 409, body=False)


@router.post("/{job_id}/cancel", summary="Cancel a job", responses=_CHANGED)
def post_cancel(job_id: JobPath, service: Serving) -> JobOut:
    """It ends, at once for those who look at it; calls in flight end within seconds, and what was done stays.

    409 where it has ended.
    """
    service.job_listings.job(job_id)
    service.job_control.cancel(job_id)
    return JobOut.of(service.job_listings.job(job_id))


@router.post("/{job_id}/pause", summary="Pause a job", responses=_CHANGED)
def post_pause(job_id: JobPath, service: Serving) -> JobOut:
    """It rests until it is resumed, across restarts. 409 where it rests already or has ended."""
    service.job_listings.job(job_id)
    service.job_control.pause(job_id)
    return JobOut.of(service.job_listings.job(job_id))


@router.post("/{job_id}/resume", summary="Resume a job", responses=errors(404, 409))
def post_resume(job_id: JobPath, service: Serving, body: ResumeIn | None = None) -> JobOut:
    """It goes on where it stopped and repeats no answered call. 409 unless it rests."""
    service.job_listings.job(job_id)
    service.job_control.resume(job_id, body.limits if body else None)
    service.worker.submit(job_id)
    return JobOut.of(service.job_listings.job(job_id))


@router.post("/{job_id}/retry", summary="Retry a job's failed items", responses=_CHANGED)
def post_retry(job_id: JobPath, service: Serving) -> JobOut:
    """The failed items, and no others, are worked on again. 409 where the job has not ended or nothing failed."""
    service.job_listings.job(job_id)
    service.job_control.retry(job_id)
    service.worker.submit(job_id)
    return JobOut.of(service.job_listings.job(job_id))


@router.get(
    "/{job_id}/report",
    summary="The report of an evaluation",
    response_class=Response,
    responses={
        **errors(404, 406, body=False),
        200: {
            "description": "As the header Accept wants it; JSON where it leaves that open.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/markdown": {"schema": {"type": "string"}},
                "text/html": {"schema": {"type": "string"}},
            },
        },
    },
)
def get_report(
    job_id: JobPath,
    service: Serving,
    accept: Annotated[
        str, Header(description="application/json, text/markdown or text/html.", max_length=1_000)
    ] = "*/*",
) -> Response:
    """Accuracies, paired differences, regressions, break-even and every row, of what has been answered by now.

    Nothing is asked for it. Markdown and HTML have the figures and the regressions, JSON has all.
    """
    service.job_listings.job(job_id)
    wanted = wanted_of(accept, tuple(_RENDERED))
    report = EvaluationReports(service.ted.database, service.ted.jobs).report(job_id)
    return Response(_RENDERED[wanted](report), media_type=wanted, headers={"Vary": "Accept"})


_RENDERED: dict[str, Callable[[Report], str]] = {
    "application/json": lambda report: json.dumps(report.to_json(), ensure_ascii=False),
    "text/markdown": as_markdown,
    "text/html": as_html,
}


@router.get("/{job_id}/items", summary="A job's items", responses=errors(404, body=False))
def get_items(
    job_id: JobPath,
    page: Paging,
    service: Serving,
    status: Annotated[
        Literal["queued", "running", "done", "all_correct", "no_majority", "failed", "quarantined"] | None,
        Query(description="Only these."),
    ] = None,
) -> ListOf[ItemOut]:
    """One for each sample and epoch that was begun, in the order of the samples."""
    found = service.job_listings.items(job_id, page, status=status)
    return listed([ItemOut.of(i) for i in found.data], [i.id for i in found.data], has_more=found.has_more)


@router.get(
    "/{job_id}/items/{item_id}", summary="What a job has of an item", responses=errors(404, body=False)
)
def get_item(
    job_id: JobPath,
    item_id: Annotated[str, Path(description="As it is listed: `epoch:sample`.")],
    service: Serving,
) -> MaterialOut:
    """The sample, the student's trajectories as they were graded, the teacher's solution and critique."""
    return MaterialOut.of(service.origins.material(job_id, item_id))
