"""`/v1/chat/completions`: OpenAI's clients, with what a bank has for their last user turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
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
from ted.completion import Json
from ted.conversing import Advised, Desk, Source, advise, complete, stream

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
    """Passed on to the student whole, with advice from the bank before the last user turn. Kept as an answer."""
    try:
        if body.stream:
            return await _streamed(body, service, request)
        advised, completion, headers = await while_there(request.receive, _completed(body, service))
    except CallerLeft:
        return Response(status_code=499)  # which nobody reads
    shown = _shown(completion, body, advised=advised)
    return Response(as_json(shown), headers=headers, media_type="application/json")


async def _completed(body: ChatCompletionIn, service: Service) -> tuple[Advised, Json, dict[str, str]]:
    desk = _desk(service)
    advised = await _advised(body, service, desk)
    completion, reply = await complete(advised, desk=desk)
    return advised, completion, headers_of(advised) | cost_header(reply.usage.cost_usd)


async def _streamed(body: ChatCompletionIn, service: Service, request: Request) -> Response:
    advised, first, rest = await while_there(request.receive, _begun(body, service))
    wants_usage = body.stream_options is not None and bool(body.stream_options.include_usage)

    def shown(chunk: Json) -> Json | None:
        if not wants_usage and _only_tells_usage(chunk):
            return None
        return _shown(chunk, body, usage=wants_usage)

    return EventStream(
        _shown(first, body, usage=wants_usage, advised=advised),
        rest,
        shown=shown,
        told_as=lambda error: problem_body(request, error).model_dump(),
        headers=headers_of(advised),
    )


async def _begun(body: ChatCompletionIn, service: Service) -> tuple[Advised, Json, AsyncGenerator[Json]]:
    """With the first chunk in hand: what fails before it keeps its status."""
    desk = _desk(service)
    advised = await _advised(body, service, desk)
    chunks = stream(advised, desk=desk)
    return advised, await anext(chunks), chunks


async def _advised(body: ChatCompletionIn, service: Service, desk: Desk) -> Advised:
    conversation = await asyncio.to_thread(conversation_of, body, service.ted.image_reader())
    bank_id = await asyncio.to_thread(bank_of, body.model, service)
    source = Source(bank_id, service.ted.bank) if bank_id is not None else None
    return await advise(conversation, source=source, desk=desk)


def _desk(service: Service) -> Desk:
    ted, settings = service.ted, service.ted.settings
    return Desk(
        service.completions,
        ted.answers,
        ted.calls,
        ted.caller,
        settings.advice_place,
        settings.fail_open,
    )


def _only_tells_usage(chunk: Json) -> bool:
    return not chunk.get("choices") and bool(chunk.get("usage"))


def _shown(made: Json, body: ChatCompletionIn, *, usage: bool = True, advised: Advised | None = None) -> Json:
    """As the caller asked: under the name it used, without a usage it did not ask for; with TED's own if it did."""
    shown = {name: value for name, value in made.items() if usage or name != "usage"} | {"model": body.model}
    if advised is not None and body.include and (told := told_in_body(advised)) is not None:
        shown["ted"] = told
    return shown
