"""A ChatModel around a ChatModel that counts what is asked of it, what a ledger answers included."""

from __future__ import annotations

from ted.chat import ChatModel, ChatRequest, Reply


class CountedChat:
    """A ChatModel; `asked` is how many requests it was given."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.asked = 0

    @property
    def name(self) -> str:
        return self._model.name

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return self._model.price(prompt_tokens, completion_tokens)

    async def complete(self, request: ChatRequest) -> Reply:
        self.asked += 1
        return await self._model.complete(request)
