"""How many requests and tokens a key may use a minute, and the headers that tell it, as OpenAI names and writes them."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import Literal

from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from ted.bank.accounts import KeyAccounts
from ted.bank.keys import Key
from ted.errors import BadSetting

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Of a minute's requests or tokens: so many are left, and all of them again in so many seconds."""

    unit: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset: float
    exceeded: bool

    @property
    def headers(self) -> dict[str, str]:
        """As OpenAI's clients read them."""
        return {
            f"x-ratelimit-limit-{self.unit}": str(self.limit),
            f"x-ratelimit-remaining-{self.unit}": str(self.remaining),
            f"x-ratelimit-reset-{self.unit}": written(self.reset),
        }


class Rates:
    """One an app. Requests are counted in fixed windows of a minute, where `storage` says: in this process, or in a
    Redis that replicas share. Tokens are those that the ledger has of the last minute's answers, so that those of the
    answer at hand count for the next.
    """

    def __init__(self, storage: str, accounts: KeyAccounts) -> None:
        try:
            self._limiter = FixedWindowRateLimiter(storage_from_string(storage))
        except Exception as error:
            raise BadSetting(f"TED_RATE_LIMIT_STORAGE cannot be used ({type(error).__name__})") from error
        self._accounts = accounts

    async def use(self, key: Key) -> list[Rate]:
        """One request of the key is counted; what it has left then."""
        limits = key.settings.limits
        if limits.requests_per_minute is None and limits.tokens_per_minute is None:
            return []
        return await asyncio.to_thread(self._use, key)

    def _use(self, key: Key) -> list[Rate]:
        limits, found = key.settings.limits, list[Rate]()
        if (most := limits.requests_per_minute) is not None:
            item = RateLimitItemPerMinute(most)
            fits = self._limiter.hit(item, key.id)
            window = self._limiter.get_window_stats(item, key.id)
            reset = max(0.0, window.reset_time - time.time())
            found.append(Rate("requests", most, window.remaining, reset, not fits))
        if (most := limits.tokens_per_minute) is not None:
            used, reset = self._accounts.tokens_within(key.id, MINUTE)
            found.append(Rate("tokens", most, max(0, most - used), reset, used >= most))
        return found


def written(seconds: float) -> str:
    """`6m0s`, `1.5s`, `120ms`."""
    milliseconds = math.ceil(seconds * 1_000)
    if milliseconds < 1_000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    told = f"{rest / 1_000:.3f}".rstrip("0").rstrip(".")
    return f"{minutes}m{told}s" if minutes else f"{told}s"
