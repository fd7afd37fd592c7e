"""`/v1/banks/{bank}/distillations`: samples into a bank, as a job."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.dependencies import OpenBank, Serving
from api.samples import samples_of
from api.schemas.jobs import DistillationIn, JobOut
from api.schemas.problem import errors
from ted.jobs.submit import submit_distillation

router = APIRouter(prefix="/v1/banks/{bank}", tags=["jobs"])


@router.post(
    "/distillations", status_code=202, summary="Distil samples into a bank", responses=errors(404, 409, 503)
)
def post_distillation(bank: OpenBank, body: DistillationIn, service: Serving, response: Response) -> JobOut:
    """A job that is queued. The same request again goes on with a job that rests at its budget, with this budget.

    409 while another job writes the bank, waits to, or rests.
    """
    service.check_models(student=body.student, teacher=body.teacher)
    job = submit_distillation(service.ted, bank, samples_of(body), body.options, budget=body.budget.budget)
    service.worker.submit(job.id)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobOut.of(service.job_listings.job(job.id))
