"""What the administrator sees of all banks and of one, put together as JSON; the figures are ted/bank's."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, true

from ted.bank.bank import Bank
from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.job_tables import CallRow, JobRow
from ted.bank.key_tables import ApiKeyRow
from ted.bank.near_duplicates import NearDuplicates, count_near_duplicates
from ted.bank.portability import notice, students_of
from ted.bank.spending import Spending, spending, spending_by, spending_by_bank, total
from ted.bank.statistics import (
    Retrievals,
    answering,
    bank_statistics,
    experiences_by_status,
    jobs_by_status,
)
from ted.bank.tables import AnswerRow, BankRow, ExperienceRow


def overall_figures(database: Database, caller: Caller) -> dict[str, Any]:
    """Of all banks of a caller, in one snapshot."""
    with database.reading() as session:
        of_project = select(func.count()).select_from(BankRow).where(caller.theirs(BankRow))
        return {
            "banks": session.scalar(of_project) or 0,
            "experiences": experiences_by_status(session, caller.theirs(ExperienceRow)),
            "retrieval": _retrieval(answering(session, caller.theirs(AnswerRow))),
            "jobs": jobs_by_status(session, caller.theirs(JobRow)),
            "spending": _spending(spending(session, caller.theirs(CallRow))),
        }


def usage_figures(
    database: Database,
    caller: Caller,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    bank_id: str | None = None,
    everybodys: bool = False,
) -> dict[str, Any]:
    """Calls, tokens and cost by bank and model and by key, of calls made from `since` to before `until`.

    `everybodys`: by project, too, of all projects.
    """
    when: ColumnElement[bool] = true()
    if since is not None:
        when &= CallRow.created_at >= since.astimezone(UTC)
    if until is not None:
        when &= CallRow.created_at < until.astimezone(UTC)
    if bank_id is not None:
        when &= CallRow.bank_id == bank_id
    made = caller.theirs(CallRow) & when
    with database.reading() as session:
        parts = spending_by_bank(session, made)
        by_key = spending_by(session, CallRow.key_id, made)
        by_project = spending_by(session, CallRow.project_id, when) if everybodys else None
        names = {
            key.id: key.name for key in session.scalars(select(ApiKeyRow).where(caller.theirs(ApiKeyRow)))
        }
    return {
        "since": since,
        "until": until,
        "total": _costed(total(part.spending for part in parts)),
        "by_bank_and_model": [
            {"bank_id": part.bank_id, "bank": part.bank, **_costed(part.spending)} for part in parts
        ],
        "by_key": [{"key_id": k, "key": names.get(k or ""), **_costed(spent)} for k, spent in by_key],
        "by_project": by_project
        and [{"project": project, **_costed(spent)} for project, spent in by_project],
    }


async def bank_figures(
    bank: Bank, *, student: str | None = None, with_near_duplicates: bool = False
) -> dict[str, Any]:
    """Of one bank. Near-duplicates are counted on request only (else null), since their texts must be embedded.

    `notice` tells where the experiences were made with others than `student`, which uses them.
    """
    near = await count_near_duplicates(bank) if with_near_duplicates else None
    return await asyncio.to_thread(_bank_figures, bank, student, near)


def _bank_figures(bank: Bank, student: str | None, near: NearDuplicates | None) -> dict[str, Any]:
    record = bank.record
    with bank.database.reading() as session:
        figures = bank_statistics(session, bank.id)
        spent = spending(session, CallRow.bank_id == bank.id)
        students = students_of(session, [bank.id])[bank.id]
    return {
        "bank": bank.id,
        "name": record.name,
        "revision": record.revision,
        "experiences": figures.experiences,
        "pinned": figures.pinned,
        "students": [asdict(one) for one in students],
        "notice": notice((m.student for m in students), asked=student, bank=record.name) if student else None,
        "growth": [asdict(one) for one in figures.growth],
        "usage": figures.usage,
        "utility": asdict(figures.utility),
        "trials": figures.comparison.to_json(),
        "never_used": asdict(figures.never_used),
        "answers": figures.answers,
        "retrieval": {
            "answers": _retrieval(figures.answering),
            "by_day": [asdict(day) for day in figures.days],
            "distillation": _retrieval(figures.distilling),
        },
        "jobs": figures.jobs,
        "spending": _spending(spent),
        "index": bank.index_health(),
        "near_duplicates": asdict(near) if near else None,
    }


def _retrieval(retrievals: Retrievals) -> dict[str, Any]:
    rates = {"hit_rate": retrievals.hit_rate, "abstain_rate": retrievals.abstain_rate}
    return asdict(retrievals) | rates


def _spending(parts: list[Spending]) -> dict[str, Any]:
    return {
        "total": _costed(total(parts)),
        "by_role_and_model": [_costed(part) for part in parts],
    }


def _costed(part: Spending) -> dict[str, Any]:
    return asdict(part) | {"cost_usd": part.cost_usd}
