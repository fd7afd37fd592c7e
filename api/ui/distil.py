"""`/ui/banks/{bank}/distil`: samples uploaded or chosen, an estimate, and a distillation begun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, get_args

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from api.accepted import accepted
from api.dependencies import OpenBank, Serving
from api.forms import CHUNK
from api.refusals import BadField
from api.routes.files import good_name, kept
from api.samples import samples_of
from api.schemas.job_requests import DistillationIn
from api.service import Service
from api.ui.admission import ROOT
from api.ui.forms import PageForm, body_of, page_form
from api.ui.rendering import page
from ted.bank.bank import Bank
from ted.bank.pages import Page
from ted.gate.verdict import GatePolicy
from ted.jobs.estimate import Estimate, estimate_distillation
from ted.jobs.submit import submit_distillation
from ted.profile import ProfileName

router = APIRouter(prefix=f"{ROOT}/banks/{{bank}}/distil", include_in_schema=False)

FILES = 50
"""The newest files, of which one can be chosen."""

WHOLE = ("trajectories", "epochs", "batch_size", "compress_every")


@router.get("")
def get_distil(request: Request, bank: OpenBank, service: Serving) -> Response:
    """The form, with what is done where nothing is written."""
    return _shown(request, bank, service, DistillationIn(), file_id=None, estimate=None)


@router.post("")
async def post_distil(request: Request, bank: OpenBank, service: Serving) -> Response:
    """An uploaded file is kept, whatever follows: an estimate on the same page, or a job."""
    form = await page_form(request, files=1)
    do = form.one_of("do", "estimate", "start")
    file_id = form.text("file_id")
    if (sent := form.files.get("file")) is not None:
        name = good_name(sent.filename, ("body", "file"))
        file_id = (await kept(_chunks(sent), name, "distillation", service)).id
    if file_id is None:
        raise BadField(
            ("body", "file"), "is missing: choose a file of samples, or one that was uploaded before"
        )
    body = _body(form, file_id)
    return await asyncio.to_thread(_begun if do == "start" else _estimated, request, bank, service, body)


def _begun(request: Request, bank: Bank, service: Service, body: DistillationIn) -> Response:
    samples, budget = samples_of(body, service), body.budget.budget
    job = submit_distillation(service.ted, bank, samples, body.options, budget=budget)
    accepted(job, service, Response())
    return RedirectResponse(f"{ROOT}/jobs/{job.id}", 303)


def _estimated(request: Request, bank: Bank, service: Service, body: DistillationIn) -> Response:
    ted, samples = service.ted, samples_of(body, service)
    models = {"student": ted.student(), "teacher": ted.teacher()}
    estimate = estimate_distillation(bank, samples, body.options, judge=ted.judge(), **models)
    return _shown(request, bank, service, body, file_id=body.file_id, estimate=estimate)


def _shown(
    request: Request,
    bank: Bank,
    service: Service,
    body: DistillationIn,
    *,
    file_id: str | None,
    estimate: Estimate | None,
) -> Response:
    files = service.files.files(Page(FILES, order="desc")).data
    return page(
        request,
        "distil.html",
        bank=bank.record,
        body=body,
        files=files,
        file_id=file_id,
        estimate=estimate,
        fits=estimate.upper.fits(body.budget.budget) if estimate else None,
        profiles=get_args(ProfileName),
        gates=get_args(GatePolicy),
        student=service.ted.settings.student,
        teacher=service.ted.settings.teacher,
    )


def _body(form: PageForm, file_id: str) -> DistillationIn:
    budget = {name: form.number(f"budget_{name}") for name in ("usd", "tokens", "calls")}
    given: dict[str, Any] = {name: form.number(name) for name in WHOLE}
    given |= {name: form.text(name) for name in ("profile", "gate")}
    given["budget"] = {name: value for name, value in budget.items() if value is not None}
    return body_of(DistillationIn, {**given, "file_id": file_id})


async def _chunks(sent: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await sent.read(CHUNK):
        yield chunk
