"""A ChatModel around a ChatModel: each answered call is kept under its key and never paid twice; budgets are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ted.bank.accounts import WorstCase
from ted.bank.calls import CallStore, Owner, Spent
from ted.chat import ChatModel, ChatRequest, Reply
from ted.draining import Drain
from ted.errors import BadSetting, BudgetExhausted, ModelFailure
from ted.settings import Budget
from ted.tokens import worst_case_prompt_tokens
from ted.tracing import current, model_span, used


class Ledger:
    """The account of one owner (a job, an answer) with its budget; models are charged through `around`.

    `checkpoint` is run in a thread before each call that has to be made; what it raises stops the call.
    `drain`: once it has begun, no further call begins; None where calls are to be finished all the same.
    """

    def __init__(
        self,
        store: CallStore,
        owner: Owner,
        budget: Budget | None = None,
        *,
        checkpoint: Callable[[], None] = lambda: None,
        drain: Drain | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.store, self.owner, self._budget = store, owner, budget or Budget()
        self.drain = drain or Drain()
        self._settled = store.spent(owner.id)
        self._reserved: dict[str, WorstCase] = {}
        self._changed = asyncio.Condition()

    @property
    def spent(self) -> Spent:
        """What the owner's answered calls came to, those of earlier runs included."""
        return self._settled

    def around(self, model: ChatModel) -> LedgeredChat:
        """The model, charged to this account. Raises BadSetting for a USD budget where its price is not known."""
        if self._budget.usd is not None and model.price(1, 1) is None:
            raise BadSetting(
                f"the budget is in US dollars, but the price of '{model.name}' is not known: "
                "give a budget in tokens or calls (--budget-tokens, --budget-calls)"
            )
        return LedgeredChat(model, self)

    async def reserve(self, key: str, worst: WorstCase) -> None:
        """Sets the worst case aside; waits while calls in flight may free enough. Raises BudgetExhausted."""
        async with self._changed:
            while lacking := self._lacking(worst):
                if not self._reserved:
                    raise BudgetExhausted(lacking)
                await self._changed.wait()
            self._reserved[key] = worst

    async def settle(self, key: str) -> None:
        """After a call, answered or not: what it really came to takes the place of what was reserved."""
        async with self._changed:  # read inside: an older sum must not take the place of a newer one
            self._settled = await asyncio.to_thread(self.store.spent, self.owner.id)
            self._reserved.pop(key, None)
            self._changed.notify_all()

    def _lacking(self, worst: WorstCase) -> str | None:
        calls = self._settled.calls + len(self._reserved) + 1
        tokens = self._settled.tokens + sum(w.tokens for w in self._reserved.values()) + worst.tokens
        usd = self._settled.cost_usd + sum(w.usd or 0.0 for w in self._reserved.values()) + (worst.usd or 0.0)
        limits = (("calls", self._budget.calls, calls), ("tokens", self._budget.tokens, tokens))
        for unit, limit, needed in limits:
            if limit is not None and needed > limit:
                return f"budget of {limit} {unit} reached: the next call may bring it to {needed}"
        if self._budget.usd is not None and usd > self._budget.usd:
            return f"budget of ${self._budget.usd:.4f} reached: the next call may bring it to ${usd:.4f}"
        return None


class LedgeredChat:
    """A ChatModel whose calls are kept and charged. A key answered before is answered from the store."""

    def __init__(self, model: ChatModel, ledger: Ledger) -> None:
        self._model, self._ledger = model, ledger

    @property
    def name(self) -> str:
        return self._model.name

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        return self._model.price(prompt_tokens, completion_tokens)

    async def complete(self, request: ChatRequest) -> Reply:
        store, ledger = self._ledger.store, self._ledger
        if kept := await asyncio.to_thread(store.committed, request):
            return kept
        prompt = worst_case_prompt_tokens(request)
        usd = await asyncio.to_thread(self._model.price, prompt, request.max_tokens)
        worst = WorstCase(prompt + request.max_tokens, usd)
        await ledger.reserve(request.call_key, worst)
        try:
            await asyncio.to_thread(ledger.checkpoint)
            charging = store.accounts.charging(ledger.owner.key_id, request.call_key, lambda: worst)
            async with charging, ledger.drain.call():
                reply = await self._traced(request)
                await asyncio.shield(asyncio.to_thread(store.commit, request, reply, ledger.owner))
        except ModelFailure as error:
            await asyncio.to_thread(store.fail, request, self._model.name, str(error), ledger.owner)
            raise
        finally:
            await asyncio.shield(ledger.settle(request.call_key))
        return reply

    async def _traced(self, request: ChatRequest) -> Reply:
        with current(model_span(self.name, request.call_key)) as traced:
            reply = await self._model.complete(request)
            usage = reply.usage
            used(traced, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)
            return reply
