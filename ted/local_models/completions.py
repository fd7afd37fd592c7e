"""A CompletionModel over a model that runs in this process, the one that its LocalChat loads."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ted.completion import CompletionRequest, Json
from ted.errors import ModelRefusedRequest
from ted.litellm_completions import LitellmCompletions
from ted.local_models.chat import LocalChat


class LocalCompletions:
    """Loads the model on the first call, in seconds; the file must have been pulled. Reads text only."""

    def __init__(self, chat: LocalChat) -> None:
        self._chat = chat

    @property
    def name(self) -> str:
        return self._chat.name

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return self._chat.price(prompt_tokens, completion_tokens)

    async def completion(self, request: CompletionRequest) -> Json:
        self._check(request)
        return await LitellmCompletions((await self._chat.loaded()).calls).completion(request)

    async def completion_stream(self, request: CompletionRequest) -> AsyncGenerator[Json]:
        self._check(request)
        model = LitellmCompletions((await self._chat.loaded()).calls)
        async with aclosing(model.completion_stream(request)) as chunks:
            async for chunk in chunks:
                yield chunk

    def _check(self, request: CompletionRequest) -> None:
        contents = (message.get("content") for message in request.messages)
        parts = (part for content in contents if isinstance(content, list) for part in content)
        if any(part.get("type") != "text" for part in parts):
            raise ModelRefusedRequest(
                f"model '{self.name}' reads text only: use a model that sees for images"
            )
