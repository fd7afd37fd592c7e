"""A ChatModel over litellm; retries are ted/litellm_calls' affair, what calls cost is ted/ledger's."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

from ted.chat import ChatRequest, Reply, Usage
from ted.chat_wire import response_format, wire_message
from ted.errors import ModelFailure, ModelRefused
from ted.litellm_calls import LitellmCalls, litellm_module
from ted.tracing import answered_by


class LitellmChat:
    """A ChatModel by its litellm name: `gpt-4o-mini`, `anthropic/<name>`, `openai/<name>` with an `api_base`.

    `concurrency`, `timeout`, `attempts`, `first_wait`: see LitellmCalls. A schema that the provider refuses is left
    out from then on. `served_name` is the name users know the model by; `usd_free` says that its tokens cost nothing.
    """

    def __init__(
        self,
        model: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        concurrency: int = 8,
        timeout: float = 120,
        attempts: int = 4,
        served_name: str | None = None,
        usd_free: bool = False,
        first_wait: float = 0.5,
    ) -> None:
        self.calls = LitellmCalls(
            model,
            name=served_name or model,
            api_base=api_base,
            api_key=api_key,
            concurrency=concurrency,
            timeout=timeout,
            attempts=attempts,
            usd_free=usd_free,
            first_wait=first_wait,
        )
        self._takes_schema = True

    @property
    def name(self) -> str:
        return self.calls.name

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """As LitellmCalls.price: the first call is slow."""
        return self.calls.price(prompt_tokens, completion_tokens)

    async def complete(self, request: ChatRequest) -> Reply:
        """The model's reply; `seconds` begins once a slot is free.

        Where a provider reports no usage, tokens are a quarter of the bytes of text.
        """
        await asyncio.to_thread(litellm_module)
        async with self.calls.slot():
            began = time.perf_counter()
            response = await self._negotiated(request)
            seconds = time.perf_counter() - began
        if not response.choices:
            raise ModelFailure(
                f"model '{self.name}' sent a reply without a choice: call it again or use another"
            )
        answered_by(getattr(response, "model", None))
        text = response.choices[0].message.content or ""
        return Reply(text, self.name, self._usage(request, text, response), seconds)

    async def aclose(self) -> None:
        """Close litellm's HTTP clients, which all models of the process share: call it at the end."""
        await self.calls.aclose()

    async def _negotiated(self, request: ChatRequest) -> Any:
        if request.schema is None or not self._takes_schema:
            return await self._retried(request, schema=None)
        try:
            return await self._retried(request, schema=request.schema)
        except ModelRefused as refusal:
            if not _is_about_the_schema(refusal):
                raise
        response = await self._retried(request, schema=None)
        self._takes_schema = False
        return response

    async def _retried(self, request: ChatRequest, *, schema: dict[str, Any] | None) -> Any:
        options: dict[str, Any] = {} if schema is None else {"response_format": response_format(schema)}
        attempt = functools.partial(
            self.calls.ask,
            request.call_key,
            messages=[wire_message(message) for message in request.messages],
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
            drop_params=True,  # what a provider does not take (a seed, a temperature) is left out
            **options,
        )
        return await self.calls.retried(attempt)

    def _usage(self, request: ChatRequest, text: str, response: Any) -> Usage:
        reported = getattr(response, "usage", None)
        if reported is not None and reported.prompt_tokens:  # litellm says 0 where the provider said nothing
            prompt, completion = reported.prompt_tokens, reported.completion_tokens or 0
        else:
            prompt = sum(len(message.text.encode()) for message in request.messages) // 4
            completion = len(text.encode()) // 4
        return Usage(prompt, completion, self.price(prompt, completion))


def _is_about_the_schema(refusal: ModelRefused) -> bool:
    said = str(refusal).lower()
    return any(
        word in said for word in ("response_format", "json_schema", "schema", "structured", "unsupported")
    )
