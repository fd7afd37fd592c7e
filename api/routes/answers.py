"""`/v1/answers`: a question to the student, and what was kept of an answer."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path

from api.dependencies import Serving, read_images
from api.schemas.answers import AnswerIn, AnswerOut
from api.schemas.problem import errors
from ted.answering import answer
from ted.sample import Question

router = APIRouter(prefix="/v1/answers", tags=["answers"])


@router.post("", summary="Ask", responses=errors(404, 429, 502, 503, 504))
async def post_answer(body: AnswerIn, service: Serving) -> AnswerOut:
    """The student answers with the experiences that the bank has for the question; the teacher instead, where a cascade
    is wanted and the student's answers disagree. Everything is kept."""
    service.check_models(student=body.student)
    images = await asyncio.to_thread(read_images, body.images, service.ted.image_reader())
    question = Question(body.question, images)
    bank = await asyncio.to_thread(service.ted.bank, body.bank)
    record = await asyncio.to_thread(lambda: bank.record)
    wanted = {"k": body.k, "min_similarity": body.min_similarity}
    given = await answer(
        question,
        bank=bank,
        student=service.student,
        answers=service.ted.answers,
        calls=service.ted.calls,
        key_id=service.ted.caller.key_id,
        mode=body.mode,
        settings=record.retrieval.with_options(wanted),
        teacher=service.teacher,
        cascade=body.cascade_over(record.cascade),
    )
    return AnswerOut.of(await asyncio.to_thread(service.ted.answers.get, given.id))


@router.get("/{answer_id}", summary="What was kept of an answer", responses=errors(404, body=False))
def get_answer(answer_id: Annotated[str, Path(description="An answer's id.")], service: Serving) -> AnswerOut:
    """The answer as it was given: what was shown, how near it was, at which revision, at what cost."""
    return AnswerOut.of(service.ted.answers.get(answer_id))
