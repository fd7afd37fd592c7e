"""The answers of a bank by the day, in UTC: how many were asked for with it, and for how many it had nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import String, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import GenericFunction

from ted.bank.tables import AnswerRow, now

DAYS_LISTED = 60
"""The latest days that are told of."""


class _Day(GenericFunction[str]):
    """The day of a moment in UTC, as 2026-03-01."""

    type = String()
    name = "ted_day"
    inherit_cache = True


@compiles(_Day)
def _compiled(day: _Day, compiler: Any, **options: Any) -> str:
    moment = compiler.process(day.clauses, **options)
    if compiler.dialect.name == "postgresql":
        return f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
    return f"strftime('%Y-%m-%d', {moment})"


@dataclass(frozen=True, slots=True)
class Day:
    """Questions of one day for which the bank was asked, and for how many it had something."""

    day: date
    questions: int
    hits: int
    abstained: int


def answering_by_day(session: Session, bank_id: str) -> tuple[Day, ...]:
    """Oldest first; days without a question are left out."""
    day = _Day(AnswerRow.created_at)
    since = now() - timedelta(days=DAYS_LISTED)
    query = (
        select(day, func.count(), func.count().filter(AnswerRow.abstained))
        .where(AnswerRow.bank_id == bank_id, AnswerRow.mode == "retrieve", AnswerRow.created_at >= since)
        .group_by(day)
        .order_by(day)
    )
    return tuple(
        Day(date.fromisoformat(told), asked, asked - abstained, abstained)
        for told, asked, abstained in session.execute(query)
    )
