"""The seam to models of language: ChatModel, its values, and ScriptedChat, the fake that ships with ted."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ted.sample import Image

Role = Literal["system", "user", "assistant"]
Part = str | Image


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: texts and images in order."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts joined by blank lines."""
        return "\n\n".join(part for part in self.parts if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call. `call_key` names it for ever; `schema` is the JSON schema wanted of the text, or None.

    `max_tokens` bounds the completion; `temperature` 0 asks for the most likely one.
    """

    call_key: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    schema: dict[str, Any] | None = field(default=None, hash=False)

    @property
    def seed(self) -> int:
        """31 bits from the call key without its job, so that the same run draws the same wherever it runs."""
        return (
            int.from_bytes(hashlib.sha256(self.call_key.partition(":")[2].encode()).digest()[:4], "big") >> 1
        )

    @property
    def fingerprint(self) -> str:
        """sha256 hex digest over all that the model is sent."""
        parts = [
            [m.role, [p if isinstance(p, str) else f"image:{p.sha256}" for p in m.parts]]
            for m in self.messages
        ]
        body = json.dumps([parts, self.max_tokens, self.temperature, self.schema], sort_keys=True)
        return hashlib.sha256(body.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider reported them, and US dollars; `cost_usd` is None where the price is not known."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None

    def plus(self, other: Usage) -> Usage:
        """Of both; what it cost is known where both are."""
        both = None if self.cost_usd is None or other.cost_usd is None else self.cost_usd + other.cost_usd
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            both,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `seconds` is the wall clock of the call, retries included.

    Half a surrogate pair in `text`, which JSON can carry but no store, becomes a question mark.
    """

    text: str
    model: str
    usage: Usage
    seconds: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text.encode("utf-8", "replace").decode())


class ChatModel(Protocol):
    """A model that answers chats. Safe to call concurrently from one event loop."""

    @property
    def name(self) -> str:
        """As the user named it, for provenance: `local/qwen2.5-coder-0.5b`, `gpt-4o-mini`."""
        ...

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars for that many tokens; None where the price is not known (never 0 for unknown)."""
        ...

    async def complete(self, request: ChatRequest) -> Reply:
        """The model's reply. Raises ModelFailure or a child of it; an empty text is a reply."""
        ...


Script = Callable[[ChatRequest], str | Awaitable[str]]


class ScriptedChat:
    """A ChatModel that asks a function. Counts tokens as words; keeps the requests it saw, in order."""

    def __init__(
        self,
        script: Script,
        *,
        name: str = "scripted",
        usd_per_token: float | None = 0.0,
        latency: float = 0.0,
    ) -> None:
        self._script, self._name, self._usd, self._latency = script, name, usd_per_token, latency
        self.requests: list[ChatRequest] = []

    @property
    def name(self) -> str:
        return self._name

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return None if self._usd is None else self._usd * (prompt_tokens + completion_tokens)

    async def complete(self, request: ChatRequest) -> Reply:
        self.requests.append(request)
        if self._latency:
            await asyncio.sleep(self._latency)
        answer = self._script(request)
        text = answer if isinstance(answer, str) else await answer
        prompt, completion = sum(len(m.text.split()) for m in request.messages), len(text.split())
        return Reply(
            text, self._name, Usage(prompt, completion, self.price(prompt, completion)), self._latency
        )
