"""`/v1/chat/completions`: OpenAI's clients, with what a bank has for their last user turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.dependencies import Serving
from api.openai.conversations import conversation_of
from api.openai.events import CallerLeft, EventStream, as_json, while_there
from api.openai.models import bank_of
from api.openai.schemas import ChatCompletionIn
from api.openai.telling import cost_header, headers_of, told_in_body
from api.problems import problem_body
from api.schemas.common import events
from api.schemas.problem import errors
from api.service import Service
from ted.answer import Cascaded
from ted.completion import Json
from ted.conversing import Advised, Desk, Source, advise, complete, stream
from ted.conversing_cascade import chunks_of, settle

router = APIRouter(prefix="/v1/chat", tags=["OpenAI"])

_SHAPE: dict[str, Any] = {
    "type": "object",
    "description": "As OpenAI documents it; `ted` if it was asked for.",
}
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A `chat.completion`, or its chunks as server-sent events. `X-TED-*` headers tell the answer's "
        "id, the experiences shown, their similarities, the tokens they took, and whether the bank abstained.",
        "content": {
            "application/json": {"schema": _SHAPE},
            **events("A `chat.completion.chunk` as JSON; the last is `[DONE]`."),
        },
    }
}


@router.post(
    "/completions",
    summary="Complete a conversation",
    response_class=Response,
    responses=_SHOWN | errors(404, 429, 502, 503, 504),
)
async def post_completion(body: ChatCompletionIn, service: Serving, request: Request) -> Response:
    """Passed on to the student whole, with advice from the bank before the last user turn. Kept as an answer.

    Where the bank's cascade is on, the student completes it several times, and the teacher where these disagree; a
    stream then begins when that is decided. With tools, several choices or log probabilities there is no cascade.
    """
    try:
        if body.stream:
            return await _streamed(body, service, request)
        shown, headers = await while_there(request.receive, _completed(body, service))
    except CallerLeft:
        return Response(status_code=499)  # which nobody reads
    return Response(as_json(shown), headers=headers, media_type="application/json")


async def _completed(body: ChatCompletionIn, service: Service) -> tuple[Json, dict[str, str]]:
    desk = _desk(service)
    advised = await _advised(body, service, desk)
    if (settled := await settle(advised, desk=desk)) is not None:
        shown = _shown(settled.completion, body, advised=advised, cascaded=settled.cascaded)
        return shown, headers_of(advised, settled.cascaded) | cost_header(settled.usage.cost_usd)
    completion, reply = await complete(advised, desk=desk)
    shown = _shown(completion, body, advised=advised)
    return shown, headers_of(advised) | cost_header(reply.usage.cost_usd)


async def _streamed(body: ChatCompletionIn, service: Service, request: Request) -> Response:
    begun = await while_there(request.receive, _begun(body, service))
    wants_usage = body.stream_options is not None and bool(body.stream_options.include_usage)

    def shown(chunk: Json) -> Json | None:
        if not wants_usage and _only_tells_usage(chunk):
            return None
        return _shown(chunk, body, usage=wants_usage)

    return EventStream(
        _shown(begun.first, body, usage=wants_usage, advised=begun.advised, cascaded=begun.cascaded),
        begun.rest,
        shown=shown,
        told_as=lambda error: problem_body(request, error).model_dump(),
        headers=headers_of(begun.advised, begun.cascaded),
    )


@dataclass(frozen=True, slots=True)
class _Begun:
    """A stream with the first chunk in hand: what fails before it keeps its status."""

    advised: Advised
    cascaded: Cascaded | None
    first: Json
    rest: AsyncGenerator[Json]


async def _begun(body: ChatCompletionIn, service: Service) -> _Begun:
    desk = _desk(service)
    advised = await _advised(body, service, desk)
    settled = await settle(advised, desk=desk)
    chunks = stream(advised, desk=desk) if settled is None else _replayed(settled.completion)
    return _Begun(advised, settled.cascaded if settled else None, await anext(chunks), chunks)


async def _replayed(completion: Json) -> AsyncGenerator[Json]:
    for chunk in chunks_of(completion):
        yield chunk


async def _advised(body: ChatCompletionIn, service: Service, desk: Desk) -> Advised:
    conversation = await asyncio.to_thread(conversation_of, body, service.ted.image_reader())
    bank_id = await asyncio.to_thread(bank_of, body.model, service)
    source = Source(bank_id, service.ted.bank) if bank_id is not None else None
    return await advise(conversation, source=source, desk=desk)


def _desk(service: Service) -> Desk:
    ted, settings = service.ted, service.ted.settings
    return Desk(
        service.completions,
        service.teachers_completions,
        ted.answers,
        ted.calls,
        ted.caller,
        settings.advice_place,
        settings.fail_open,
    )


def _only_tells_usage(chunk: Json) -> bool:
    return not chunk.get("choices") and bool(chunk.get("usage"))


def _shown(
    made: Json,
    body: ChatCompletionIn,
    *,
    usage: bool = True,
    advised: Advised | None = None,
    cascaded: Cascaded | None = None,
) -> Json:
    """As the caller asked: under the name it used, without a usage it did not ask for; with TED's own if it did."""
    shown = {name: value for name, value in made.items() if usage or name != "usage"} | {"model": body.model}
    if advised is not None and body.include and (told := told_in_body(advised, cascaded)) is not None:
        shown["ted"] = told
    return shown
