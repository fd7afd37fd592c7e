"""`/v1/feedback`: whether an answer was right; `/v1/banks/{bank}/feedback`: what was said, and the review of references."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.dependencies import BankId, OnlyIf, Paging, Serving
from api.schemas.common import ListOf, listed
from api.schemas.feedback import FeedbackIn, FeedbackOut
from api.schemas.problem import errors

router = APIRouter(prefix="/v1", tags=["answers"])

AnswerPath = Annotated[str, Path(description="An answer's id.")]


@router.post("/feedback", status_code=201, summary="Grade an answer", responses=errors(404))
def post_feedback(body: FeedbackIn, service: Serving) -> FeedbackOut:
    """Kept once an answer, a repeat replaces it; the statistics of the experiences it was given follow at once."""
    return FeedbackOut.of(service.ted.feedback.give(body.feedback))


@router.get("/banks/{bank}/feedback", summary="List feedback", responses=errors(404, body=False))
def get_feedback(
    bank: BankId,
    page: Paging,
    service: Serving,
    reviewed: Annotated[
        bool | None,
        Query(description="`false`: only references that wait for a review; `true`: only reviewed ones."),
    ] = None,
) -> ListOf[FeedbackOut]:
    """In the order of the answers. The cursors of the list are answers' ids."""
    found = service.ted.feedback.of_bank(bank, page, reviewed=reviewed)
    ids = [kept.feedback.answer_id for kept in found.data]
    return listed([FeedbackOut.of(kept) for kept in found.data], ids, has_more=found.has_more)


@router.post(
    "/banks/{bank}/feedback/{answer_id}/accept",
    summary="Accept a reference",
    responses=errors(404, 409, 412, body=False),
)
def post_accept(bank: BankId, answer_id: AnswerPath, service: Serving, only_if: OnlyIf) -> FeedbackOut:
    """It may be learned from. With If-Match, only the reference of that tag. 409 where there is none."""
    kept = service.ted.feedback.review(bank, answer_id, accepted=True, only_if=only_if)
    return FeedbackOut.of(kept)


@router.post(
    "/banks/{bank}/feedback/{answer_id}/reject",
    summary="Reject a reference",
    responses=errors(404, 409, 412, body=False),
)
def post_reject(bank: BankId, answer_id: AnswerPath, service: Serving, only_if: OnlyIf) -> FeedbackOut:
    """It is not learned from; what was said of the answer stays. 409 where there is no reference."""
    kept = service.ted.feedback.review(bank, answer_id, accepted=False, only_if=only_if)
    return FeedbackOut.of(kept)
