"""Calls of one provider through litellm, its only importer: slots, the one layer of retries, and errors as ours.

What is asked and what becomes of the answer is the affair of ted/litellm_chat and ted/litellm_completions.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import re
import weakref
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import Any, NoReturn, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_base, wait_random_exponential

from ted.chat_wire import client_request_id
from ted.errors import ModelFailure, ModelRateLimited, ModelRefused, ModelRefusedRequest, ModelTimeout

LONGEST_WAIT = 60.0  # seconds between two attempts, whatever a provider's Retry-After says

MadeT = TypeVar("MadeT")


class LitellmCalls:
    """One model of a provider, with its address, key, patience and slots.

    At most `concurrency` calls are under way in an event loop. A call is tried `attempts` times, each for
    `timeout` seconds: rate limits, 5xx, lost connections and time-outs are tried again, after a random wait
    whose bound doubles from `first_wait` seconds, or after the provider's Retry-After up to LONGEST_WAIT.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str,
        api_base: str | None,
        api_key: str | None,
        concurrency: int,
        timeout: float,
        attempts: int,
        usd_free: bool,
        first_wait: float,
    ) -> None:
        self.model, self.name = model, name
        self._api_base, self._api_key, self._usd_free = api_base, api_key, usd_free
        self.timeout, self._attempts = timeout, attempts
        self._wait = _RetryAfterOr(wait_random_exponential(multiplier=first_wait, max=LONGEST_WAIT))
        self._concurrency = concurrency
        self._slots: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars at litellm's list price, cache discounts left out; None where it has none or lists 0.

        The first call imports litellm, which takes seconds: from a coroutine, call it in a thread.
        """
        if self._usd_free:
            return 0.0
        try:
            prompt_usd, completion_usd = litellm_module().cost_per_token(
                model=self.model, prompt_tokens=1_000_000, completion_tokens=1_000_000
            )
        except Exception:  # litellm raises a bare Exception of its own where a model is not in its map
            return None
        if not prompt_usd and not completion_usd:
            return None  # its map holds 0 for models whose price it does not know
        return float(prompt_usd * prompt_tokens + completion_usd * completion_tokens) / 1_000_000

    def slot(self) -> asyncio.Semaphore:
        """To be held while a call is under way."""
        return self._slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._concurrency))

    async def retried(self, attempt: Callable[[], Awaitable[MadeT]]) -> MadeT:
        """What the attempt gives, tried again where its failure may pass. Raises ModelFailure or a child of it."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Passing),
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            reraise=True,
        )
        try:
            return await retrying(self._as_ours, attempt)
        except Passing as passing:
            failure = passing.failure
        raise failure

    async def _as_ours(self, attempt: Callable[[], Awaitable[MadeT]]) -> MadeT:
        try:
            async with asyncio.timeout(self.timeout):
                return await attempt()
        except Exception as error:  # whatever litellm raises becomes one of ours here; nothing is swallowed
            self.raise_ours(error)

    async def ask(self, call_key: str, **asked: Any) -> Any:
        """One call of litellm's `acompletion`, which does not retry."""
        return await litellm_module().acompletion(
            model=self.model,
            api_base=self._api_base,
            api_key=self._api_key,
            timeout=self.timeout,
            extra_headers={"X-Client-Request-Id": client_request_id(call_key)},
            num_retries=0,
            max_retries=0,
            **asked,
        )

    async def aclose(self) -> None:
        """Close litellm's HTTP clients, which all models of the process share: call it at the end."""
        litellm = await asyncio.to_thread(litellm_module)
        await litellm.close_litellm_async_clients()
        litellm.in_memory_llm_clients_cache.flush_cache()  # else a later call would be given a closed client

    def speaks_openai(self) -> bool:
        """Whether the provider has OpenAI's own shape."""
        provider: str = litellm_module().get_llm_provider(self.model)[1]
        return provider == "openai"

    def broken_off(self, error: Exception) -> ModelFailure:
        """What to raise where an answer breaks off: part of it was passed on, so it is not asked for again."""
        if "Timeout" in type(error).__name__:  # ours, or that of one of three HTTP clients
            return ModelTimeout(
                f"model '{self.name}' said nothing more for {self.timeout:g} s: raise its timeout"
            )
        said = self._without_keys(f"{type(error).__name__}: {error}")
        return ModelFailure(f"model '{self.name}' broke off its answer: ask again ({said})")

    def raise_ours(self, error: Exception) -> NoReturn:
        """Raises Passing or ModelRefused, `from None`: litellm's own text may hold the key, and a traceback
        would print it."""
        if isinstance(error, ModelFailure):
            raise Passing(error, None) from None
        status: int | None = getattr(error, "status_code", None)
        said = self._without_keys(f"{type(error).__name__} {status or ''}: {error}")
        if isinstance(error, TimeoutError | litellm_module().Timeout):
            advice = "raise its timeout or lower its concurrency"
            waited = f"did not answer within {self.timeout:g} s, {self._attempts} times"
            raise Passing(ModelTimeout(f"model '{self.name}' {waited}: {advice}"), None) from None
        if "insufficient_quota" in said:
            advice = "top up the account or use another key"
            raise ModelRefused(f"model '{self.name}' has no quota left: {advice} ({said})") from None
        if status is None or status in (409, 429) or status >= 500:
            asked_to_wait = _retry_after(error)
            told = f"model '{self.name}' failed {self._attempts} times: try later ({said})"
            limited = ModelRateLimited(told, retry_after=asked_to_wait)
            raise Passing(limited if status == 429 else ModelFailure(told), asked_to_wait) from None
        match status:
            case 401 | 403:
                advice = "check its API key and what the key may use"
            case 404:
                advice = "check the model's name and api_base"
            case _:
                told = f"model '{self.name}' refused: the request does not suit it ({said})"
                raise ModelRefusedRequest(told) from None
        raise ModelRefused(f"model '{self.name}' refused: {advice} ({said})") from None

    def _without_keys(self, text: str) -> str:
        if self._api_key:
            text = text.replace(self._api_key, "[key]")
        return re.sub(r"(?i)(bearer\s+)[^\s'\"]+|\b(sk|pk|key)-[\w*-]{8,}", "[key]", text)[:500]


class Passing(Exception):
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
        asked = passing.retry_after if isinstance(passing, Passing) else None
        return self._otherwise(retry_state) if asked is None else min(asked, LONGEST_WAIT)


@functools.cache
def litellm_module() -> ModuleType:
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
