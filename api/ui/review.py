"""`/ui/banks/{bank}/review`: what waits for somebody's word: candidates, quarantined experiences, references of feedback."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from starlette.responses import RedirectResponse, Response

from api.dependencies import AnyBank, BankId, Serving
from api.ui.admission import ROOT
from api.ui.forms import page_form
from api.ui.pages import After, Before, newest, ways
from api.ui.rendering import page

router = APIRouter(prefix=f"{ROOT}/banks/{{bank}}/review", include_in_schema=False)

Queue = Literal["candidate", "quarantined", "references"]


@router.get("")
def get_review(
    request: Request,
    bank: AnyBank,
    service: Serving,
    queue: Queue = "candidate",
    after: After = None,
    before: Before = None,
) -> Response:
    """One of the three queues, newest first."""
    part = newest(after, before)
    shown: list[Any]
    if queue == "references":
        references = service.ted.feedback.of_bank(bank.id, part, reviewed=False)
        ids, has_more = [kept.feedback.answer_id for kept in references.data], references.has_more
        shown = [(kept, service.ted.answers.get(kept.feedback.answer_id)) for kept in references.data]
    else:
        waiting = service.listings.experiences(bank.id, part, status=queue)
        ids, has_more = [details.experience.id for details in waiting.data], waiting.has_more
        shown = list(waiting.data)
    turn = ways(request.url.path, part, ids, has_more=has_more, queue=queue)
    back = f"{request.url.path}?queue={queue}"
    return page(request, "review.html", bank=bank.record, queue=queue, found=shown, turn=turn, back=back)


@router.post("/{answer_id}")
async def post_reference(
    request: Request, bank: BankId, answer_id: Annotated[str, Path()], service: Serving
) -> Response:
    """The reference is accepted or rejected, if it is still the one that was shown."""
    form = await page_form(request)
    accepted = form.one_of("do", "accept", "reject") == "accept"
    tag = form.text("tag")
    await asyncio.to_thread(
        service.ted.feedback.review,
        bank,
        answer_id,
        accepted=accepted,
        only_if=None if tag is None else (tag,),
    )
    return RedirectResponse(f"{ROOT}/banks/{bank}/review?queue=references", 303)
