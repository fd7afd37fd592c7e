"""`/ui/playground`: one question answered without the bank, with it and by the teacher, with all that was sent."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from api.dependencies import Allowed, Serving, read_images
from api.refusals import BadField
from api.service import Service
from api.ui.admission import ROOT
from api.ui.forms import PageForm, page_form
from api.ui.rendering import HTMX, page
from index.errors import IndexingError
from ted.answer import Mode
from ted.answering import answer
from ted.bank.answers import KeptAnswer
from ted.bank.bank import Bank
from ted.bank.calls import Owner
from ted.bank.pages import Page
from ted.chat import Message, Usage
from ted.consulting import consult
from ted.errors import TedError
from ted.ids import new_id
from ted.profile import PROFILES
from ted.prompts.student import attempt_messages
from ted.sample import Image, Question

router = APIRouter(prefix=f"{ROOT}/playground", include_in_schema=False)

BANKS = 100
"""Banks that can be chosen; others by their id in the address."""

ASKS_TEACHER = ("POST", "/v1/banks/{bank}/distillations")
LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Side:
    """One answer beside others; or why there is none. `kept` is what can be graded."""

    title: str
    text: str = ""
    final_answer: str = ""
    model: str = ""
    usage: Usage | None = None
    milliseconds: float = 0.0
    messages: tuple[Message, ...] = ()
    kept: KeptAnswer | None = None
    problem: str | None = None


@router.get("")
def get_playground(request: Request, service: Serving, allowed: Allowed, bank: str | None = None) -> Response:
    """The form."""
    return _shown(request, service, allowed, chosen=bank and service.ted.banks.find(bank))


@router.post("")
async def post_playground(request: Request, service: Serving, allowed: Allowed) -> Response:
    """The answers; with htmx as a part, without it as the whole page again."""
    form = await page_form(request, files=1)
    text = form.text("question")
    if text is None or len(text) > LONGEST:
        raise BadField(("body", "question"), f"is blank or has more than {LONGEST:,} characters: write one")
    images = await _images(form.files.get("image"), service)
    question, bank = (
        Question(text, images),
        await asyncio.to_thread(service.ted.bank, form.text("bank") or ""),
    )
    sides = await asyncio.gather(*_asked(question, bank, form, service, allowed))
    if HTMX in request.headers:
        return page(request, "answers.html", sides=sides, bank=bank.record)
    return await asyncio.to_thread(
        _shown, request, service, allowed, chosen=bank.id, question=text, sides=sides
    )


def _shown(
    request: Request,
    service: Service,
    allowed: Allowed,
    *,
    chosen: str | None,
    question: str = "",
    sides: list[Side] | None = None,
) -> Response:
    banks = service.listings.banks(Page(BANKS, order="desc")).data
    return page(
        request,
        "playground.html",
        banks=banks,
        bank=service.listings.bank(chosen) if chosen else None,
        question=question,
        sides=sides or [],
        student=service.student.chat.name,
        teacher=service.ted.settings.teacher if allowed.may(*ASKS_TEACHER) else None,
        sees_images=service.ted.image_embedder is not None,
    )


async def _images(sent: UploadFile | None, service: Service) -> tuple[Image, ...]:
    if sent is None:
        return ()
    data = base64.b64encode(await sent.read()).decode()
    url = f"data:{sent.content_type or 'application/octet-stream'};base64,{data}"
    return await asyncio.to_thread(read_images, [url], service.ted.image_reader())


def _asked(
    question: Question, bank: Bank, form: PageForm, service: Service, allowed: Allowed
) -> list[Awaitable[Side]]:
    student, teacher = service.student.chat.name, service.ted.settings.teacher
    sides: list[Awaitable[Side]] = [
        _told("Student alone", student, lambda: _answered("Student alone", question, bank, "none", service)),
        _told(
            "With the bank", student, lambda: _answered("With the bank", question, bank, "retrieve", service)
        ),
    ]
    if "teacher" in form.fields and allowed.may(*ASKS_TEACHER):
        sides.append(_told("Teacher", teacher, lambda: _taught(question, bank, service)))
    return sides


async def _told(title: str, model: str, ask: Callable[[], Awaitable[Side]]) -> Side:
    """One side may fail without the others."""
    try:
        return await ask()
    except (TedError, IndexingError) as error:
        return Side(title, model=model, problem=str(error))


async def _answered(title: str, question: Question, bank: Bank, mode: Mode, service: Service) -> Side:
    given = await answer(
        question,
        bank=bank,
        student=service.student,
        answers=service.ted.answers,
        calls=service.ted.calls,
        key_id=service.ted.caller.key_id,
        mode=mode,
    )
    kept = await asyncio.to_thread(service.ted.answers.get, given.id)
    return Side(
        title,
        given.text,
        given.final_answer,
        given.model,
        given.usage,
        given.latency.total,
        attempt_messages(question, given.retrieval, service.student.profile.form),
        kept,
    )


async def _taught(question: Question, bank: Bank, service: Service) -> Side:
    owner = Owner(bank.record.project_id, bank.id, new_id("ans"), service.ted.caller.key_id)
    found = await consult(
        question,
        teacher=service.ted.teacher(),
        profile=PROFILES[service.ted.settings.answer_profile],
        calls=service.ted.calls,
        owner=owner,
    )
    reply = found.reply
    return Side(
        "Teacher",
        reply.text,
        found.final_answer,
        reply.model,
        reply.usage,
        reply.seconds * 1_000,
        found.messages,
    )
