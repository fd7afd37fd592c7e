"""`/v1/banks/{bank}/distillations`: samples into a bank, as a job."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.accepted import IdempotencyKey, accepted, once
from api.dependencies import OpenBank, Serving
from api.samples import samples_of, validation_of
from api.schemas.job_requests import DistillationIn
from api.schemas.jobs import JobOut
from api.schemas.previews import EstimateOut
from api.schemas.problem import errors
from ted.jobs.estimate import estimate_distillation
from ted.jobs.submit import submit_distillation

router = APIRouter(prefix="/v1/banks/{bank}", tags=["jobs"])


@router.post(
    "/distillations",
    status_code=202,
    summary="Distil samples into a bank",
    response_model=JobOut,
    responses=errors(404, 409, 503) | {200: {"model": EstimateOut, "description": "Of a dry run."}},
)
def post_distillation(
    bank: OpenBank, body: DistillationIn, service: Serving, response: Response, key: IdempotencyKey = None
) -> JobOut | Response:
    """A job that is queued, or with `dry_run` an estimate. The same request goes on with a job at its budget.

    409 while another job writes the bank, waits to, or rests.
    """
    service.check_models(student=body.student, teacher=body.teacher)
    ted, samples, budget = service.ted, samples_of(body, service), body.budget.budget
    validation = validation_of(body, service)
    if body.dry_run:
        models = {"student": ted.student(), "teacher": ted.teacher()}
        estimate = estimate_distillation(bank, samples, body.options, judge=ted.judge(), **models)
        shown = EstimateOut.of("distillation", bank.id, estimate, budget)
        return Response(shown.model_dump_json(), media_type="application/json")
    job = submit_distillation(
        ted,
        bank,
        samples,
        body.options,
        budget=budget,
        validation=validation,
        once=once(key, "distillation", bank, body),
    )
    return accepted(job, service, response)
