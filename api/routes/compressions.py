"""`/v1/banks/{bank}/compressions`: a bank made smaller and more useful, as a job."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from api.accepted import IdempotencyKey, accepted, once
from api.dependencies import OpenBank, Serving
from api.samples import validation_of
from api.schemas.job_requests import CompressionIn
from api.schemas.jobs import JobOut
from api.schemas.previews import PlanOut
from api.schemas.problem import errors
from ted.jobs.compression import CompressionRunner
from ted.jobs.submit import submit_compression
from ted.profile import PROFILES
from ted.teacher import Teacher

router = APIRouter(prefix="/v1/banks/{bank}", tags=["jobs"])


@router.post(
    "/compressions",
    status_code=202,
    summary="Compress a bank",
    response_model=JobOut,
    responses=errors(404, 409, 503) | {200: {"model": PlanOut, "description": "The plan of a dry run."}},
)
async def post_compression(
    bank: OpenBank, body: CompressionIn, service: Serving, response: Response, key: IdempotencyKey = None
) -> JobOut | Response:
    """A job that is queued, or with `dry_run` its plan. The same request goes on with a job that rests, with this budget.

    With `validation`, what it did is undone where answers to those get worse.

    409 while another job writes the bank, waits to, or rests.
    """
    service.check_models(student=body.student, teacher=body.teacher)
    ted, validation = service.ted, await asyncio.to_thread(validation_of, body, service)
    if body.dry_run:
        runner = CompressionRunner(bank, jobs=ted.jobs, calls=ted.calls)
        teacher = Teacher(ted.teacher(), PROFILES[body.profile])
        plan = await runner.preview(settings=body.settings, teacher=teacher)
        return Response(PlanOut.of(bank.id, plan).model_dump_json(), media_type="application/json")
    job = submit_compression(
        ted,
        bank,
        profile=body.profile,
        settings=body.settings,
        budget=body.budget.budget,
        validation=validation,
        tolerance=body.tolerance,
        once=once(key, "compression", bank, body),
    )
    return accepted(job, service, response)
