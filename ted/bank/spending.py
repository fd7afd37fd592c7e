"""Tokens and cost of model calls by role and model, from the ledger. A price that is not known stays unknown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from ted.bank.job_tables import CallRow
from ted.bank.tables import BankRow


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


@dataclass(frozen=True, slots=True)
class BankSpending:
    """What the calls of one model for one bank came to; no id: for none, no name: the bank was deleted."""

    bank_id: str | None
    bank: str | None
    spending: Spending


def spending(session: Session, condition: ColumnElement[bool]) -> list[Spending]:
    """By role and model. A call asked again because its reply did not parse (`solve.1`) is of its first call's role."""
    query = (
        select(CallRow.role, CallRow.model, *_sums()).where(condition).group_by(CallRow.role, CallRow.model)
    )
    rows: list[tuple[Any, ...]] = [
        (role.partition(".")[0], *rest) for role, *rest in session.execute(query).all()
    ]
    return [
        _summed(role, model, group) for (role, model), group in groupby(sorted(rows), key=lambda row: row[:2])
    ]


def spending_by_bank(session: Session, condition: ColumnElement[bool]) -> list[BankSpending]:
    """By bank and model. Calls of a bank that was deleted stay in the account, under an id without a name."""
    query = (
        select(CallRow.bank_id, BankRow.name, CallRow.model, *_sums())
        .outerjoin(BankRow, BankRow.id == CallRow.bank_id)
        .where(condition)
        .group_by(CallRow.bank_id, BankRow.name, CallRow.model)
        .order_by(CallRow.bank_id, CallRow.model)
    )
    return [
        BankSpending(bank_id, name, Spending("all", model, *sums))
        for bank_id, name, model, *sums in session.execute(query).all()
    ]


def spending_by(
    session: Session, column: Any, condition: ColumnElement[bool]
) -> list[tuple[str | None, Spending]]:
    """By what the column of the ledger tells: the key, or the project. None: without one."""
    query = select(column, *_sums()).where(condition).group_by(column).order_by(column)
    return [(value, Spending("all", "all", *sums)) for value, *sums in session.execute(query).all()]


def _sums() -> tuple[ColumnElement[Any], ...]:
    """The numbers of a Spending, in its order."""
    answered = CallRow.outcome == "ok"
    return (
        func.count().filter(answered),
        func.count().filter(~answered),
        func.coalesce(func.sum(CallRow.prompt_tokens).filter(answered), 0),
        func.coalesce(func.sum(CallRow.completion_tokens).filter(answered), 0),
        func.coalesce(func.sum(CallRow.cost_usd).filter(answered), 0.0),
        func.count().filter(answered, CallRow.cost_usd.is_(None)),
    )


def total(parts: Iterable[Spending]) -> Spending:
    """The parts as one."""
    fields = ("calls", "failed_calls", "prompt_tokens", "completion_tokens", "priced_usd", "unpriced_calls")
    return _summed("all", "all", [("", "", *(getattr(part, name) for name in fields)) for part in parts])


def _summed(role: str, model: str, rows: Iterable[tuple[Any, ...]]) -> Spending:
    sums = [sum(column) for column in zip(*(row[2:] for row in rows), strict=True)] or [0, 0, 0, 0, 0.0, 0]
    calls, failed, prompt, completion, usd, unpriced = sums
    return Spending(role, model, calls, failed, prompt, completion, usd, unpriced)
