"""`/v1/banks/{bank}/merge`: another bank's experiences brought into this one, as a job."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from api.accepted import IdempotencyKey, accepted, once
from api.dependencies import OpenBank, Serving
from api.schemas.job_requests import BankMergeIn
from api.schemas.jobs import JobOut
from api.schemas.previews import BankMergePlanOut
from api.schemas.problem import errors
from ted.compression.banks import preview_merge
from ted.jobs.submit import submit_bank_merge

router = APIRouter(prefix="/v1/banks/{bank}", tags=["jobs"])


@router.post(
    "/merge",
    status_code=202,
    summary="Merge another bank into this one",
    response_model=JobOut,
    responses=errors(404, 409, 503)
    | {200: {"model": BankMergePlanOut, "description": "What a dry run would do."}},
)
async def post_merge(
    bank: OpenBank, body: BankMergeIn, service: Serving, response: Response, key: IdempotencyKey = None
) -> JobOut | Response:
    """Copies are united and merged with what says the same, as in a compression; the other bank stays as it is.

    409 where the embedders differ, and while another job writes the bank, waits to, or rests.
    """
    service.check_models(teacher=body.teacher)
    ted = service.ted
    source_id = await asyncio.to_thread(ted.banks.find, body.source)
    if body.dry_run:
        plan = BankMergePlanOut.of(bank.id, await preview_merge(bank, source_id))
        return Response(plan.model_dump_json(by_alias=True), media_type="application/json")
    job = await asyncio.to_thread(
        submit_bank_merge,
        ted,
        bank,
        source_id,
        profile=body.profile,
        budget=body.budget.budget,
        once=once(key, "bank_merge", bank, body),
    )
    return await asyncio.to_thread(accepted, job, service, response)
