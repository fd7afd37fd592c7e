"""Feedback as it is given and shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from api.schemas.common import Anything, Body, Shown, Text, Time, one_of
from ted.bank.feedback import Feedback, KeptFeedback

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class FeedbackIn(Body):
    """Whether an answer was right: `correct`, or a `score` from 0 (wrong) to 1 (right)."""

    model_config = ConfigDict(
        json_schema_extra=one_of("correct", "score")
        | {
            "examples": [
                {"answer_id": "ans_06b3x0c5r4t1m2n8", "correct": False, "reference": "FX-31"},
                {"answer_id": "ans_06b3x0c5r4t1m2n8", "score": 0.5, "comment": "right queue, wrong form"},
            ]
        }
    )
    answer_id: Text
    correct: bool | None = None
    score: Share | None = None
    reference: Text | None = Field(
        default=None,
        description="What the answer should have been. Unreviewed at first, unless the service trusts it.",
    )
    comment: Anything | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> FeedbackIn:
        if (self.correct is None) == (self.score is None):
            raise ValueError("has both or neither of `correct` and `score`: send one of them")
        return self

    @property
    def feedback(self) -> Feedback:
        outcome = float(self.correct) if self.correct is not None else self.score
        assert outcome is not None
        return Feedback(self.answer_id, outcome, self.reference, self.comment)


class FeedbackOut(Shown):
    """Feedback as it is kept; `experiences`: to how many its outcome was noted, shown and withheld."""

    object: Literal["feedback"] = "feedback"
    answer_id: str
    bank_id: str
    score: float
    reference: str | None
    reviewed: bool = Field(description="Whether somebody accepted or rejected the reference.")
    accepted: bool | None = Field(description="Null until it is reviewed.")
    tag: str = Field(description="Changes with the reference; for If-Match of a review.")
    comment: str | None
    experiences: int
    created_at: Time
    updated_at: Time

    @staticmethod
    def of(kept: KeptFeedback) -> FeedbackOut:
        return FeedbackOut(
            answer_id=kept.feedback.answer_id,
            bank_id=kept.bank_id,
            score=kept.feedback.outcome,
            reference=kept.feedback.reference,
            reviewed=kept.accepted is not None,
            accepted=kept.accepted,
            tag=kept.tag,
            comment=kept.feedback.comment,
            experiences=kept.exposures,
            created_at=kept.created_at,
            updated_at=kept.updated_at,
        )
