"""The teacher in the student's place where the student's answers disagree; METHOD "Answering, beyond retrieval".

Who is asked, and in which shape, is the caller's affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Generic, TypeVar

from ted.answer import Cascaded
from ted.chat import Reply, Usage
from ted.errors import BadSetting
from ted.gathering import all_of
from ted.grading.agreement import agreement_of, falls_short
from ted.settings import CascadeSettings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """A reply with the answer in it, by which it is compared, and what else its caller makes of it."""

    reply: Reply
    final_answer: str
    read: T


async def decided(
    student: Callable[[int], Awaitable[Said[T]]],
    teacher: Callable[[], Awaitable[Said[T]]],
    *,
    settings: CascadeSettings,
) -> tuple[Said[T], Cascaded]:
    """What the student says most often, of as many times as the settings want, all at once; or what the teacher says,
    where too few of these are one answer, as their look tells. Raises ModelFailure where anybody that is asked fails.
    """
    said = await all_of(student(n) for n in range(settings.samples))
    agreed = await asyncio.to_thread(agreement_of, [one.final_answer for one in said])
    students = Cascaded(
        answers=tuple(one.final_answer for one in said),
        agreement=agreed.share,
        threshold=settings.threshold,
        student=said[0].reply.model,
        student_usage=reduce(Usage.plus, (one.reply.usage for one in said)),
    )
    if not falls_short(agreed.share, threshold=settings.threshold):
        return said[agreed.position], students
    instead = await teacher()
    return instead, replace(students, teacher=instead.reply.model, teacher_usage=instead.reply.usage)


def total_usage(cascaded: Cascaded) -> Usage:
    """Of all that were asked."""
    taught = cascaded.teacher_usage
    return cascaded.student_usage if taught is None else cascaded.student_usage.plus(taught)


def no_teacher() -> BadSetting:
    """What to say where somebody is to escalate and nobody is there."""
    return BadSetting("escalate is 'on_disagreement', but no teacher is configured: set TED_TEACHER")
