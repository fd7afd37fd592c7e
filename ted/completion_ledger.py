"""A CompletionModel around a CompletionModel: each call is kept under its key, with the usage the provider told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing

from opentelemetry.trace import Span

from ted.bank.accounts import WorstCase
from ted.bank.calls import CallStore, Owner
from ted.chat import Reply, Usage
from ted.completion import CompletionModel, CompletionRequest, Heard, Json
from ted.errors import ModelFailure
from ted.tokens import MESSAGE_OVERHEAD
from ted.tracing import answered_by, current, ending, model_span, used

LEFT = "the caller left before the end"
ASSUMED_TOKENS = 4_096
"""Of a completion that its caller did not bound, where a budget asks what it may come to."""


class LedgeredCompletions:
    """A CompletionModel whose calls are kept for one owner: answered, failed, or left by the caller."""

    def __init__(self, model: CompletionModel, calls: CallStore, owner: Owner) -> None:
        self._model, self._calls, self._owner = model, calls, owner
        self._answered: tuple[Heard, Reply] | None = None

    @property
    def answered(self) -> tuple[Heard, Reply]:
        """What the answered call said, and what it came to."""
        assert self._answered is not None, "no call was answered yet"
        return self._answered

    @property
    def name(self) -> str:
        return self._model.name

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return self._model.price(prompt_tokens, completion_tokens)

    async def completion(self, request: CompletionRequest) -> Json:
        began = time.perf_counter()
        with current(model_span(self.name, request.call_key)) as traced:
            async with self._charging(request):
                try:
                    completion = await self._model.completion(request)
                except ModelFailure as error:
                    await self._fail(request, str(error))
                    raise
                except asyncio.CancelledError:
                    await self._fail(request, LEFT)
                    raise
                answered_by(completion.get("model"))
                await self._commit(request, Heard.whole(completion), time.perf_counter() - began, traced)
        return completion

    async def completion_stream(self, request: CompletionRequest) -> AsyncGenerator[Json]:
        began, heard = time.perf_counter(), Heard()
        with ending(model_span(self.name, request.call_key)) as traced:
            async with self._charging(request):
                try:
                    async with aclosing(self._model.completion_stream(request)) as chunks:
                        async for chunk in chunks:
                            heard.take(chunk)
                            answered_by(chunk.get("model"), traced)
                            yield chunk
                except ModelFailure as error:
                    await self._fail(request, str(error))
                    raise
                except (asyncio.CancelledError, GeneratorExit):
                    await self._fail(request, LEFT)
                    raise
                await self._commit(request, heard, time.perf_counter() - began, traced)

    def _charging(self, request: CompletionRequest) -> AbstractAsyncContextManager[None]:
        def worst() -> WorstCase:
            options = request.options
            most = options.get("max_completion_tokens") or options.get("max_tokens") or ASSUMED_TOKENS
            completion = int(most) * int(options.get("n") or 1)
            prompt = request.prompt_bytes + MESSAGE_OVERHEAD * len(request.messages)
            return WorstCase(prompt + completion, self.price(prompt, completion))

        return self._calls.accounts.charging(self._owner.key_id, request.call_key, worst)

    async def _fail(self, request: CompletionRequest, why: str) -> None:
        await asyncio.shield(asyncio.to_thread(self._calls.fail, request, self._model.name, why, self._owner))

    async def _commit(self, request: CompletionRequest, heard: Heard, seconds: float, traced: Span) -> None:
        """Where the provider told no usage, tokens are a quarter of the bytes of text."""
        told = heard.usage or {}
        prompt = told.get("prompt_tokens") or request.prompt_bytes // 4
        said = told.get("completion_tokens")
        completion = heard.completion_bytes // 4 if said is None else said
        usage = Usage(prompt, completion, self.price(prompt, completion))
        used(traced, prompt_tokens=prompt, completion_tokens=completion)
        reply = Reply(heard.text, self._model.name, usage, seconds)
        await asyncio.shield(asyncio.to_thread(self._calls.commit, request, reply, self._owner))
        self._answered = heard, reply
