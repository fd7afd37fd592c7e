"""Tokens and cost of model calls by role and model, from the ledger. A price that is not known stays unknown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from ted.bank.job_tables import CallRow


@dataclass(frozen=True, slots=True)
class Spending:
    """Answered calls of one role (or `all`) and model (or `all`), and how many calls failed at the last attempt.

    `priced_usd` sums the prices that are known, `unpriced_calls` counts the answered calls without one.
    """

    role: str
    model: str
    calls: int
    failed_calls: int
    prompt_tokens: int
    completion_tokens: int
    priced_usd: float
    unpriced_calls: int

    @property
    def cost_usd(self) -> float | None:
        """What the calls cost; None where the price of any is not known."""
        return None if self.unpriced_calls else self.priced_usd


def spending(session: Session, condition: ColumnElement[bool]) -> list[Spending]:
    """By role and model. A call asked again because its reply did not parse (`solve.1`) is of its first call's role."""
    answered = CallRow.outcome == "ok"
    query = (
        select(
            CallRow.role,
            CallRow.model,
            func.count().filter(answered),
            func.count().filter(~answered),
            func.coalesce(func.sum(CallRow.prompt_tokens).filter(answered), 0),
            func.coalesce(func.sum(CallRow.completion_tokens).filter(answered), 0),
            func.coalesce(func.sum(CallRow.cost_usd).filter(answered), 0.0),
            func.count().filter(answered, CallRow.cost_usd.is_(None)),
        )
        .where(condition)
        .group_by(CallRow.role, CallRow.model)
    )
    rows: list[tuple[Any, ...]] = [
        (role.partition(".")[0], *rest) for role, *rest in session.execute(query).all()
    ]
    return [
        _summed(role, model, group) for (role, model), group in groupby(sorted(rows), key=lambda row: row[:2])
    ]


def total(parts: Iterable[Spending]) -> Spending:
    """The parts as one."""
    fields = ("calls", "failed_calls", "prompt_tokens", "completion_tokens", "priced_usd", "unpriced_calls")
    return _summed("all", "all", [("", "", *(getattr(part, name) for name in fields)) for part in parts])


def _summed(role: str, model: str, rows: Iterable[tuple[Any, ...]]) -> Spending:
    sums = [sum(column) for column in zip(*(row[2:] for row in rows), strict=True)] or [0, 0, 0, 0, 0.0, 0]
    calls, failed, prompt, completion, usd, unpriced = sums
    return Spending(role, model, calls, failed, prompt, completion, usd, unpriced)
