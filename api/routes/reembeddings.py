"""`/v1/banks/{bank}/reembeddings`: a bank brought to the embedders of this server, as a job."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.accepted import IdempotencyKey, accepted, once
from api.dependencies import AnyBank, Serving
from api.schemas.job_requests import ReembeddingIn
from api.schemas.jobs import JobOut
from api.schemas.previews import ReembeddingPlanOut
from api.schemas.problem import errors
from ted.jobs.reembedding import reembedding_runner
from ted.jobs.submit import submit_reembedding

router = APIRouter(prefix="/v1/banks/{bank}", tags=["jobs"])


@router.post(
    "/reembeddings",
    status_code=202,
    summary="Embed a bank anew",
    response_model=JobOut,
    responses=errors(404, 409, 503)
    | {200: {"model": ReembeddingPlanOut, "description": "What a dry run counted."}},
)
def post_reembedding(
    bank: AnyBank, body: ReembeddingIn, service: Serving, response: Response, key: IdempotencyKey = None
) -> JobOut | Response:
    """A job that is queued, or with `dry_run` what it would embed. The same request goes on with a job that rests.

    The bank answers where the embedders it was made with are loaded, and elsewhere with 503, which names the job, until
    all its keys have vectors by the embedders of this server; then it has these. 409 while another job writes the
    bank, waits to, or rests.
    """
    ted = service.ted
    if body.dry_run:
        plan = reembedding_runner(ted, bank).preview()
        shown = ReembeddingPlanOut.of(bank.id, plan).model_dump_json()
        return Response(shown, media_type="application/json")
    job = submit_reembedding(ted, bank, once=once(key, "reembedding", bank, body))
    return accepted(job, service, response)
