"""A CompletionModel over litellm: conversations are passed on as they are; retries are ted/litellm_calls' affair."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
from collections.abc import AsyncGenerator
from typing import Any

from ted.completion import CompletionRequest, Json
from ted.errors import ModelFailure
from ted.litellm_calls import LitellmCalls, litellm_module


class LitellmCompletions:
    """A CompletionModel that shares the slots, patience and key of `calls` with whoever else calls the model."""

    def __init__(self, calls: LitellmCalls) -> None:
        self._calls = calls

    @property
    def name(self) -> str:
        return self._calls.name

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return self._calls.price(prompt_tokens, completion_tokens)

    async def completion(self, request: CompletionRequest) -> Json:
        await asyncio.to_thread(litellm_module)
        async with self._calls.slot():
            return await self._calls.retried(functools.partial(self._completion, request))

    async def completion_stream(self, request: CompletionRequest) -> AsyncGenerator[Json]:
        await asyncio.to_thread(litellm_module)
        async with self._calls.slot():
            stream, chunk = await self._calls.retried(functools.partial(self._first, request))
            unended: set[int] = set()
            try:
                while chunk is not None:
                    _note_ends(chunk, unended)
                    yield chunk
                    try:
                        async with asyncio.timeout(self._calls.timeout):
                            chunk = await _next(stream)
                    except Exception as error:  # whatever the provider's client raises is told as one of ours
                        raise self._calls.broken_off(error) from None
                if unended and _is_openais(stream):  # litellm's own ends all with one
                    raise self._calls.broken_off(EOFError("it ended without a finish_reason"))
            finally:
                await _close(stream)

    async def _completion(self, request: CompletionRequest) -> Json:
        response = await self._calls.ask(request.call_key, **self._asked(request))
        completion = _completion_json(response)
        if not completion["choices"]:
            raise ModelFailure(
                f"model '{self.name}' sent a reply without a choice: call it again or use another"
            )
        return completion

    async def _first(self, request: CompletionRequest) -> tuple[Any, Json | None]:
        """The stream and its first chunk: until there is one, a failure may be tried again."""
        response = await self._calls.ask(request.call_key, stream=True, **self._asked(request))
        stream = _as_it_came(response)
        try:
            chunk = await _next(stream)
        except BaseException:
            await _close(stream)
            raise
        if chunk is None:
            raise ModelFailure(f"model '{self.name}' sent an empty stream: call it again or use another")
        return stream, chunk

    def _asked(self, request: CompletionRequest) -> Json:
        """As litellm takes it. It changes what it is given, so it is given a copy.

        Where the provider has OpenAI's shape, all goes into the body beside what litellm makes of it, and over it:
        litellm would rename roles and refuse fields it does not know. Elsewhere it translates, and refuses aloud.
        Its handling of tools of MCP servers, which would be a way out of here, is left out.
        """
        messages = list(copy.deepcopy(request.messages))
        options, extra = copy.deepcopy(request.options), copy.deepcopy(request.extra)
        if self._calls.speaks_openai():
            body = {**extra, **options, "messages": messages}
            return {"messages": copy.deepcopy(messages), "extra_body": body}
        if "metadata" in options:  # litellm has another use for it
            extra["metadata"] = options.pop("metadata")
        asked = {**options, "messages": messages, "extra_body": extra, "drop_params": False}
        return asked | {"_skip_mcp_handler": True}


def _as_it_came(response: Any) -> Any:
    """The provider's own stream where it has OpenAI's shape: litellm's reads one choice only, and renames it."""
    return response.completion_stream if _is_openais(response.completion_stream) else response


def _is_openais(stream: Any) -> bool:
    from openai import AsyncStream

    return isinstance(stream, AsyncStream)


async def _next(stream: Any) -> Json | None:
    chunk = await anext(stream, None)
    if chunk is None:
        return None
    made: Json = chunk.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for choice in made.get("choices") or ():
        _without_litellms_own(choice, choice.get("delta") or {})
    if made.get("usage") and not any(map(_says_something, made["choices"])):
        made["choices"] = []  # as OpenAI tells usage; litellm adds a choice that says nothing
    return made


def _says_something(choice: Json) -> bool:
    return bool(choice.get("finish_reason")) or any((choice.get("delta") or {}).values())


def _note_ends(chunk: Json, unended: set[int]) -> None:
    """Which choices have begun and have no end yet: a connection that is lost may look like a stream that ends."""
    for choice in chunk.get("choices") or ():
        (unended.discard if choice.get("finish_reason") else unended.add)(choice.get("index", 0))


async def _close(stream: Any) -> None:
    close = getattr(stream, "close", None) or getattr(stream, "aclose", None)
    if close is not None and inspect.isawaitable(closing := close()):
        await closing


def _completion_json(response: Any) -> Json:
    """OpenAI's shape without what litellm adds of its own; no usage where the provider told none."""
    made: Json = response.model_dump(mode="json", exclude_none=True)
    for choice in made["choices"]:
        message = choice["message"]
        said = message.get("provider_specific_fields") or {}
        _without_litellms_own(choice, message)
        message.setdefault("content", None)
        message["refusal"] = said.get("refusal")
    if not (made.get("usage") or {}).get("prompt_tokens"):  # litellm says 0 where the provider said nothing
        made.pop("usage", None)
    return made


def _without_litellms_own(*parts: Json) -> None:
    for part in parts:
        part.pop("provider_specific_fields", None)
