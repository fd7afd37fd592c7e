"""A ChatModel over litellm, with the one layer of retries; what calls cost is ted/ledger's affair."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import re
import time
import weakref
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import Any, NoReturn

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_base, wait_random_exponential

from ted.chat import ChatRequest, Reply, Usage
from ted.chat_wire import client_request_id, response_format, wire_message
from ted.errors import ModelFailure, ModelRateLimited, ModelRefused, ModelTimeout

LONGEST_WAIT = 60.0  # seconds between two attempts, whatever a provider's Retry-After says


class LitellmChat:
    """A ChatModel by its litellm name: `gpt-4o-mini`, `anthropic/<name>`, `openai/<name>` with an `api_base`.

    At most `concurrency` calls are under way in an event loop. A call is tried `attempts` times, each for
    `timeout` seconds: rate limits, 5xx, lost connections and time-outs are tried again, after a random wait
    whose bound doubles from `first_wait` seconds, or after the provider's Retry-After up to LONGEST_WAIT.
    A schema that the provider refuses is left out from then on. `served_name` is the name users know
    the model by; `usd_free` says that its tokens cost nothing.
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
        self._model, self._name = model, served_name or model
        self._api_base, self._api_key = api_base, api_key
        self._timeout, self._attempts, self._usd_free = timeout, attempts, usd_free
        self._wait = _RetryAfterOr(wait_random_exponential(multiplier=first_wait, max=LONGEST_WAIT))
        self._concurrency = concurrency
        self._slots: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )
        self._takes_schema = True

    @property
    def name(self) -> str:
        return self._name

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars at litellm's list price, cache discounts left out; None where it has none or lists 0.

        The first call imports litellm, which takes seconds: from a coroutine, call it in a thread.
        """
        if self._usd_free:
            return 0.0
        try:
            prompt_usd, completion_usd = _litellm().cost_per_token(
                model=self._model, prompt_tokens=1_000_000, completion_tokens=1_000_000
            )
        except Exception:  # litellm raises a bare Exception of its own where a model is not in its map
            return None
        if not prompt_usd and not completion_usd:
            return None  # its map holds 0 for models whose price it does not know
        return float(prompt_usd * prompt_tokens + completion_usd * completion_tokens) / 1_000_000

    async def complete(self, request: ChatRequest) -> Reply:
        """The model's reply; `seconds` begins once a slot is free.

        Where a provider reports no usage, tokens are a quarter of the bytes of text.
        """
        await asyncio.to_thread(_litellm)
        async with self._slot():
            began = time.perf_counter()
            response = await self._negotiated(request)
            seconds = time.perf_counter() - began
        if not response.choices:
            raise ModelFailure(
                f"model '{self._name}' sent a reply without a choice: call it again or use another"
            )
        text = response.choices[0].message.content or ""
        return Reply(text, self._name, self._usage(request, text, response), seconds)

    async def aclose(self) -> None:
        """Close litellm's HTTP clients, which all models of the process share: call it at the end."""
        litellm = await asyncio.to_thread(_litellm)
        await litellm.close_litellm_async_clients()
        litellm.in_memory_llm_clients_cache.flush_cache()  # else a later call would be given a closed client

    def _slot(self) -> asyncio.Semaphore:
        return self._slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._concurrency))

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
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_Passing),
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            reraise=True,
        )
        try:
            return await retrying(self._attempt, request, schema)
        except _Passing as passing:
            failure = passing.failure
        raise failure

    async def _attempt(self, request: ChatRequest, schema: dict[str, Any] | None) -> Any:
        options: dict[str, Any] = {} if schema is None else {"response_format": response_format(schema)}
        try:
            async with asyncio.timeout(self._timeout):
                return await _litellm().acompletion(
                    model=self._model,
                    messages=[wire_message(message) for message in request.messages],
                    max_tokens=request.max_tokens,
                    temperature=request.temperature,
                    seed=request.seed,
                    api_base=self._api_base,
                    api_key=self._api_key,
                    timeout=self._timeout,
                    extra_headers={"X-Client-Request-Id": client_request_id(request.call_key)},
                    drop_params=True,  # what a provider does not take (a seed, a temperature) is left out
                    num_retries=0,
                    max_retries=0,
                    **options,
                )
        except Exception as error:  # whatever litellm raises becomes one of ours here; nothing is swallowed
            self._raise_ours(error)

    def _raise_ours(self, error: Exception) -> NoReturn:
        """Raised `from None`: litellm's own text may hold the key, and a traceback would print it."""
        status: int | None = getattr(error, "status_code", None)
        said = self._without_keys(f"{type(error).__name__} {status or ''}: {error}")
        if isinstance(error, TimeoutError | _litellm().Timeout):
            advice = "raise its timeout or lower its concurrency"
            waited = f"did not answer within {self._timeout:g} s, {self._attempts} times"
            raise _Passing(ModelTimeout(f"model '{self._name}' {waited}: {advice}"), None) from None
        if "insufficient_quota" in said:
            advice = "top up the account or use another key"
            raise ModelRefused(f"model '{self._name}' has no quota left: {advice} ({said})") from None
        if status is None or status in (409, 429) or status >= 500:
            asked_to_wait = _retry_after(error)
            told = f"model '{self._name}' failed {self._attempts} times: try later ({said})"
            limited = ModelRateLimited(told, retry_after=asked_to_wait)
            raise _Passing(limited if status == 429 else ModelFailure(told), asked_to_wait) from None
        match status:
            case 401 | 403:
                advice = "check its API key and what the key may use"
            case 404:
                advice = "check the model's name and api_base"
            case _:
                advice = "the request does not suit it"
        raise ModelRefused(f"model '{self._name}' refused: {advice} ({said})") from None

    def _without_keys(self, text: str) -> str:
        if self._api_key:
            text = text.replace(self._api_key, "[key]")
        return re.sub(r"(?i)(bearer\s+)[^\s'\"]+|\b(sk|pk|key)-[\w*-]{8,}", "[key]", text)[:500]

    def _usage(self, request: ChatRequest, text: str, response: Any) -> Usage:
        reported = getattr(response, "usage", None)
        if reported is not None and reported.prompt_tokens:  # litellm says 0 where the provider said nothing
            prompt, completion = reported.prompt_tokens, reported.completion_tokens or 0
        else:
            prompt = sum(len(message.text.encode()) for message in request.messages) // 4
            completion = len(text.encode()) // 4
        return Usage(prompt, completion, self.price(prompt, completion))


class _Passing(Exception):
    """A failure that may pass: `failure` is what to raise once the attempts are used up."""

    def __init__(self, failure: ModelFailure, retry_after: float | None) -> None:
        super().__init__(str(failure))
        self.failure, self.retry_after = failure, retry_after


class _RetryAfterOr(wait_base):
    """As long as the provider asked for, up to LONGEST_WAIT, else as `otherwise` says."""

    def __init__(self, otherwise: wait_base) -> None:
        self._otherwise = otherwise

    def __call__(self, retry_state: RetryCallState) -> float:
        passing = retry_state.outcome.exception() if retry_state.outcome else None
        asked = passing.retry_after if isinstance(passing, _Passing) else None
        return self._otherwise(retry_state) if asked is None else min(asked, LONGEST_WAIT)


@functools.cache
def _litellm() -> ModuleType:
    """litellm, imported late and quiet: no price map from the network, no telemetry, no advice on stdout."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        log = logging.getLogger(name)  # what goes wrong is raised; its own lines may quote prompts
        log.handlers.clear()
        log.setLevel(logging.CRITICAL)
    module: ModuleType = litellm
    return module


def _is_about_the_schema(refusal: ModelRefused) -> bool:
    said = str(refusal).lower()
    return any(
        word in said for word in ("response_format", "json_schema", "schema", "structured", "unsupported")
    )


def _retry_after(error: Exception) -> float | None:
    """Seconds that the provider asks us to wait, given as seconds or a date; None where it did not ask."""
    headers = getattr(error, "litellm_response_headers", None) or {}
    value = str(headers.get("retry-after", "")).strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
