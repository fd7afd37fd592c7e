"""The seam to models as OpenAI's clients see them: a conversation is passed on whole, and its completion comes back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Protocol

Json = dict[str, Any]
"""A JSON object in OpenAI's shape: a message, a `chat.completion`, a `chat.completion.chunk`."""


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One call. `call_key` names it for ever; messages and options are in OpenAI's shape and passed on as they are.

    `extra` holds fields that are not OpenAI's: they go into the body beside the others, and nowhere else.
    """

    call_key: str
    messages: tuple[Json, ...]
    options: Json
    extra: Json

    @property
    def fingerprint(self) -> str:
        """sha256 hex digest over all that the model is sent."""
        body = json.dumps([self.messages, self.options, self.extra], sort_keys=True)
        return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def prompt_bytes(self) -> int:
        """The text of the messages in UTF-8, images and the like left out."""
        return sum(len(text.encode()) for message in self.messages for text in texts_of(message))


class CompletionModel(Protocol):
    """A model that completes conversations. Safe to call concurrently from one event loop."""

    @property
    def name(self) -> str:
        """As the user named it."""
        ...

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars for that many tokens; None where the price is not known (never 0 for unknown)."""
        ...

    async def completion(self, request: CompletionRequest) -> Json:
        """A `chat.completion`, with `usage` as the provider told it, if it did. Raises ModelFailure or a child of it."""
        ...

    def completion_stream(self, request: CompletionRequest) -> AsyncGenerator[Json]:
        """Its `chat.completion.chunk`s as they come, at least one; the usage is in one of the last, if told.

        Nothing is tried again once there was a chunk. Closing it ends the call. Raises as `completion`.
        """
        ...


@dataclass(slots=True)
class Heard:
    """A completion put together from what came of it: messages by the index of their choice, and the usage."""

    messages: dict[int, Json] = field(default_factory=dict)
    usage: Json | None = None

    @staticmethod
    def whole(completion: Json) -> Heard:
        """What a `chat.completion` says."""
        messages = {choice["index"]: choice["message"] for choice in completion["choices"]}
        return Heard(messages, completion.get("usage"))

    def take(self, chunk: Json) -> None:
        """Adds a `chat.completion.chunk`."""
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or ():
            message = self.messages.setdefault(choice.get("index", 0), {"content": ""})
            delta = choice.get("delta") or {}
            message["content"] += _text(delta.get("content"))
            for piece in delta.get("tool_calls") or ():
                _add_piece(message.setdefault("tool_calls", []), piece)

    @property
    def text(self) -> str:
        """What to keep of it: the one message's text; with tool calls, or of several choices, the messages as JSON."""
        messages = [self.messages[index] for index in sorted(self.messages)]
        if len(messages) == 1 and not messages[0].get("tool_calls"):
            return _text(messages[0].get("content"))
        kept = [{k: m[k] for k in ("content", "tool_calls") if m.get(k)} for m in messages]
        return json.dumps(kept, ensure_ascii=False, sort_keys=True)

    @property
    def first_text(self) -> str:
        """The text of the first choice; half a surrogate pair, which no store takes, becomes a question mark."""
        text = _text(self.messages[min(self.messages)].get("content")) if self.messages else ""
        return text.encode("utf-8", "replace").decode()

    @property
    def completion_bytes(self) -> int:
        """All that was said, in UTF-8."""
        return sum(len(text.encode("utf-8", "replace")) for m in self.messages.values() for text in _said(m))


def texts_of(message: Json) -> list[str]:
    """The texts of a message, in order."""
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    return [part["text"] for part in parts if part.get("type") == "text"]


def _said(message: Json) -> list[str]:
    calls = message.get("tool_calls") or []
    return [
        _text(message.get("content")),
        *(call["function"].get("arguments") or "" for call in calls if call.get("function")),
    ]


def _text(content: Any) -> str:
    """The text of a content; some providers send parts."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type") == "text")
    return content or ""


def _add_piece(calls: list[Json], piece: Json) -> None:
    """A tool call comes in pieces: first its id and name, then its arguments bit by bit."""
    index = piece.get("index", len(calls))
    while len(calls) <= index < 1000:
        calls.append({"function": {"name": "", "arguments": ""}})
    if index >= 1000:
        return
    call, function = calls[index], piece.get("function") or {}
    call |= {key: piece[key] for key in ("id", "type") if piece.get(key)}
    for key in ("name", "arguments"):
        call["function"][key] += function.get(key) or ""
