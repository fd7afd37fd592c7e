"""`/v1/feedback`: whether an answer was right."""

from __future__ import annotations

from fastapi import APIRouter

from api.dependencies import Serving
from api.schemas.feedback import FeedbackIn, FeedbackOut
from api.schemas.problem import errors

router = APIRouter(prefix="/v1/feedback", tags=["answers"])


@router.post("", status_code=201, summary="Grade an answer", responses=errors(404))
def post_feedback(body: FeedbackIn, service: Serving) -> FeedbackOut:
    """Kept once an answer, a repeat replaces it; the statistics of the experiences it was given follow at once."""
    return FeedbackOut.of(service.ted.feedback.give(body.feedback))
