"""The budgets of keys: what a key spent is summed from the ledger, what is in flight in this process stands beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from ted.bank.database import Database
from ted.bank.job_tables import CallRow
from ted.bank.key_tables import ApiKeyRow
from ted.bank.keys import Limits, limits_of
from ted.bank.tables import now
from ted.errors import BadSetting, QuotaExhausted

LOOK_SECONDS = 0.05
"""Between two looks at whether calls in flight left enough of a budget."""


@dataclass(frozen=True, slots=True)
class WorstCase:
    """What a call may come to at most; `usd` is None where its price is not known."""

    tokens: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class Sum:
    """What calls came to, or may come to."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.calls + other.calls, self.tokens + other.tokens, self.usd + other.usd)


class KeyAccounts:
    """One a process. Replicas see each other's answered calls, and not what the other has in flight."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._in_flight: dict[str, dict[str, Sum]] = {}
        self._lock = threading.Lock()

    @asynccontextmanager
    async def charging(
        self, key_id: str | None, call_key: str, worst: Callable[[], WorstCase]
    ) -> AsyncIterator[None]:
        """A call of the key is in flight. Waits while others of it may leave enough of its budget.

        Raises QuotaExhausted where they cannot, BadSetting for a budget in US dollars where no price is known.
        """
        if key_id is None or (limits := await asyncio.to_thread(self._limits, key_id)) is None:
            yield
            return
        case = await asyncio.to_thread(worst)
        while not await asyncio.to_thread(self._reserve, key_id, limits, call_key, case):  # noqa: ASYNC110 - another loop's
            await asyncio.sleep(LOOK_SECONDS)
        try:
            yield
        finally:
            with self._lock:
                of_key = self._in_flight.get(key_id, {})
                of_key.pop(call_key, None)
                if not of_key:
                    self._in_flight.pop(key_id, None)

    def check(self, key_id: str | None) -> None:
        """Raises QuotaExhausted where the key's budget is spent already."""
        limits = None if key_id is None else self._limits(key_id)
        if key_id is None or limits is None:
            return
        if told := _lacking(limits, self._spent(key_id, limits.counted_from(now())), needs=Sum(1)):
            raise QuotaExhausted(told)

    def tokens_within(self, key_id: str, seconds: float) -> tuple[int, float]:
        """Tokens of the key's answers in the last seconds, and for how long the oldest of them still counts."""
        since = now() - timedelta(seconds=seconds)
        tokens = func.coalesce(func.sum(CallRow.prompt_tokens + CallRow.completion_tokens), 0)
        query = select(tokens, func.min(CallRow.created_at)).where(
            CallRow.key_id == key_id,
            CallRow.created_at > since,
            CallRow.owner.startswith("ans_", autoescape=True),
        )
        with self._database.reading() as session:
            spent, oldest = session.execute(query).one()
        return spent, 0.0 if oldest is None else (oldest - since).total_seconds()

    def _reserve(self, key_id: str, limits: Limits, call_key: str, case: WorstCase) -> bool:
        if limits.budget_usd is not None and case.usd is None:
            raise BadSetting(
                "the budget of this key is in US dollars, but the price of the model is not known: "
                "give it a budget in tokens or calls"
            )
        needs = Sum(1, case.tokens, case.usd or 0.0)
        with self._lock:
            in_flight = self._in_flight.get(key_id, {})
            spent = sum(in_flight.values(), self._spent(key_id, limits.counted_from(now())))
            if told := _lacking(limits, spent, needs=needs):
                if not in_flight:
                    raise QuotaExhausted(told)
                return False
            self._in_flight.setdefault(key_id, {})[call_key] = needs
            return True

    def _limits(self, key_id: str) -> Limits | None:
        """Those of a key that has a budget."""
        with self._database.reading() as session:
            row = session.get(ApiKeyRow, key_id)
        limits = None if row is None else limits_of(row)
        return None if limits is None or limits.budget == Limits().budget else limits

    def _spent(self, key_id: str, since: datetime | None) -> Sum:
        query = select(
            func.count(),
            func.coalesce(func.sum(CallRow.prompt_tokens + CallRow.completion_tokens), 0),
            func.coalesce(func.sum(CallRow.cost_usd), 0.0),
        ).where(CallRow.key_id == key_id, CallRow.outcome == "ok")
        if since is not None:
            query = query.where(CallRow.created_at >= since)
        with self._database.reading() as session:
            calls, tokens, usd = session.execute(query).one()
        return Sum(calls, tokens, usd or 0.0)


def _lacking(limits: Limits, spent: Sum, *, needs: Sum) -> str | None:
    """Which part of the budget the calls would go beyond."""
    needed, period = spent + needs, "this month's " if limits.budget_period == "month" else ""
    for unit, limit, value in (
        ("calls", limits.budget_calls, needed.calls),
        ("tokens", limits.budget_tokens, needed.tokens),
    ):
        if limit is not None and (value > limit or getattr(spent, unit) >= limit):
            return f"{period}budget of the key, {limit} {unit}, is reached: the next call may bring it to {value}"
    usd = limits.budget_usd
    if usd is not None and (needed.usd > usd or spent.usd >= usd):
        return f"{period}budget of the key, ${usd:.4f}, is reached: the next call may bring it to ${needed.usd:.4f}"
    return None
