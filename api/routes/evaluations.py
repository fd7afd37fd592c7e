"""`/v1/banks/{bank}/evaluations`: samples answered under several arms and compared, as a job."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.accepted import IdempotencyKey, accepted, once
from api.dependencies import OpenBank, Serving
from api.samples import samples_of
from api.schemas.jobs import EvaluationIn, JobOut
from api.schemas.problem import errors
from ted.jobs.submit import submit_evaluation

router = APIRouter(prefix="/v1/banks/{bank}", tags=["jobs"])


@router.post(
    "/evaluations",
    status_code=202,
    summary="Evaluate a bank",
    responses=errors(404, 409, 503),
)
def post_evaluation(
    bank: OpenBank, body: EvaluationIn, service: Serving, response: Response, key: IdempotencyKey
) -> JobOut:
    """A job that is queued; its items are the answers. The bank is read only, so that other jobs may run beside it.

    The figures are over the questions that were answered under every arm; those that were not are told as failures.
    """
    service.check_models(student=body.student, teacher=body.teacher)
    job = submit_evaluation(
        service.ted,
        bank,
        samples_of(body, service),
        body.arms,
        profile=body.profile,
        budget=body.budget.budget,
        once=once(key, "evaluation", bank, body),
    )
    return accepted(job, service, response)
