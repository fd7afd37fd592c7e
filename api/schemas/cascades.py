"""Cascades as a bank has them, as a request wants them, and as an answer tells of one."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from api.schemas.common import Body, Shown
from ted.answer import Cascaded
from ted.chat import Usage
from ted.settings import CascadeSettings, Escalate

_CASCADE = CascadeSettings()


class CascadeIn(Body):
    """When the teacher answers in the student's place; what is left out stays as it is (at first: the default)."""

    escalate: Escalate = Field(
        default=_CASCADE.escalate,
        description="`on_disagreement`: the student answers several times, and the teacher where too few agree.",
    )
    samples: int = Field(
        default=_CASCADE.samples, ge=2, le=16, description="So many times, at a temperature above 0."
    )
    threshold: float = Field(
        default=_CASCADE.threshold,
        ge=0,
        le=1,
        description="The share that must be one answer; 0.67 stands for two of three.",
    )
    harvest: bool = Field(
        default=_CASCADE.harvest,
        description="What the teacher answered becomes an unlabelled sample of the next distillation from feedback.",
    )

    def over(self, settings: CascadeSettings) -> CascadeSettings:
        """Those settings with the fields that were sent in place."""
        return replace(settings, **self.model_dump(exclude_unset=True))


class CascadeOut(Shown):
    """When the teacher answers in the student's place."""

    escalate: Escalate
    samples: int
    threshold: float
    harvest: bool


class SpentBy(Shown):
    """What was asked of a model for the answer. `cost_usd` is null where the price is not known."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None

    @staticmethod
    def of(model: str, usage: Usage) -> SpentBy:
        return SpentBy(
            model=model,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cost_usd=usage.cost_usd,
        )


class CascadedShown(Shown):
    """How a cascade came to its answer. `teacher` is null where the student's answers agreed."""

    answers: list[str] = Field(description="What the student said, each time.")
    agreement: float = Field(description="The share of them that is one answer.")
    threshold: float
    student: SpentBy
    teacher: SpentBy | None

    @staticmethod
    def of(cascaded: Cascaded) -> CascadedShown:
        taught = cascaded.teacher_usage
        return CascadedShown(
            answers=list(cascaded.answers),
            agreement=cascaded.agreement,
            threshold=cascaded.threshold,
            student=SpentBy.of(cascaded.student, cascaded.student_usage),
            teacher=SpentBy.of(cascaded.teacher, taught) if cascaded.teacher and taught else None,
        )
