"""`/v1/banks/{bank}/distillations`: samples into a bank, as a job."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.accepted import IdempotencyKey, accepted, once
from api.dependencies import OpenBank, Serving
from api.samples import answers_of, samples_of, validation_of
from api.schemas.job_requests import DistillationIn
from api.schemas.jobs import JobOut
from api.schemas.previews import EstimateOut
from api.schemas.problem import errors
from ted.jobs.estimate import estimate_distillation
from ted.jobs.from_feedback import graded
from ted.jobs.submit import submit_distillation, submit_from_feedback

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

    409 while another job writes the bank, waits to, or rests, and where there is no answer to learn from.
    """
    service.check_models(student=body.student, teacher=body.teacher)
    ted, budget = service.ted, body.budget.budget
    found = answers_of(body, bank, service)
    samples = samples_of(body, service) if found is None else found.samples
    validation = validation_of(body, service)
    if body.dry_run:
        if found is not None:
            samples = graded(found, bank=bank.record.name).samples
        models = {"student": ted.student(), "teacher": ted.teacher()}
        estimate = estimate_distillation(bank, samples, body.options, judge=ted.judge(), **models)
        shown = EstimateOut.of("distillation", bank.id, estimate, budget)
        return Response(shown.model_dump_json(), media_type="application/json")
    asked_once = once(key, "distillation", bank, body)
    if found is None:
        job = submit_distillation(
            ted, bank, samples, body.options, budget=budget, validation=validation, once=asked_once
        )
    else:
        job = submit_from_feedback(ted, bank, found, body.options, budget=budget, once=asked_once)
    return accepted(job, service, response)
