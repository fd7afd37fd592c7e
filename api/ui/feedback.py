"""`/ui/feedback`: an answer graded by a click."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.dependencies import Serving
from api.schemas.feedback import FeedbackIn
from api.ui.admission import ROOT
from api.ui.forms import body_of, page_form
from api.ui.rendering import HTMX, page

router = APIRouter(prefix=f"{ROOT}/feedback", include_in_schema=False)


@router.post("")
async def post_feedback(request: Request, service: Serving) -> Response:
    """Right or wrong, and what it should have been; a later word replaces an earlier one."""
    form = await page_form(request)
    correct = form.one_of("verdict", "right", "wrong") == "right"
    given = {"answer_id": form.text("answer_id"), "correct": correct, "reference": form.text("reference")}
    kept = await asyncio.to_thread(service.ted.feedback.give, body_of(FeedbackIn, given).feedback)
    if HTMX in request.headers:
        return page(request, "graded.html", kept=kept)
    return RedirectResponse(f"{ROOT}/playground?bank={kept.bank_id}", 303)
