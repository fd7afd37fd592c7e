"""`/v1/banks/{bank}/evaluations`: samples answered under several arms and compared, as a job."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.accepted import IdempotencyKey, accepted, once
from api.dependencies import OpenBank, Serving
from api.samples import samples_of
from api.schemas.job_requests import EvaluationIn
from api.schemas.jobs import JobOut
from api.schemas.previews import EstimateOut
from api.schemas.problem import errors
from ted.evaluation.options import Options
from ted.jobs.estimate import estimate_evaluation
from ted.jobs.submit import submit_evaluation

router = APIRouter(prefix="/v1/banks/{bank}", tags=["jobs"])


@router.post(
    "/evaluations",
    status_code=202,
    summary="Evaluate a bank",
    response_model=JobOut,
    responses=errors(404, 409, 503) | {200: {"model": EstimateOut, "description": "Of a dry run."}},
)
def post_evaluation(
    bank: OpenBank, body: EvaluationIn, service: Serving, response: Response, key: IdempotencyKey = None
) -> JobOut | Response:
    """A job that is queued, or with `dry_run` an estimate. Its items are the answers.

    The bank is read only, so that other jobs may run beside it. The figures are over the questions that were answered
    under every arm; those that were not are told as failures. Samples that the bank was distilled from are refused.
    """
    service.check_models(student=body.student, teacher=body.teacher)
    ted, samples, budget = service.ted, samples_of(body, service, labelled=True), body.budget.budget
    options = Options(
        arms=tuple(body.arms),
        profile=body.profile,
        irrelevant_bank=ted.banks.find(body.irrelevant_bank) if body.irrelevant_bank else None,
        demonstrations=body.demonstrations,
        allow_overlap=body.allow_overlap,
    )
    if body.dry_run:
        models = {"student": ted.student(), "teacher": ted.teacher()}
        estimate = estimate_evaluation(bank, samples, options, judge=ted.judge(), **models)
        shown = EstimateOut.of("evaluation", bank.id, estimate, budget)
        return Response(shown.model_dump_json(), media_type="application/json")
    asked_once = once(key, "evaluation", bank, body)
    job = submit_evaluation(ted, bank, samples, options, budget=budget, once=asked_once)
    return accepted(job, service, response)
