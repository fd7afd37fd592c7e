"""For which students a bank's experiences were made, and what to tell where another one uses them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.tables import ExperienceRow


@dataclass(frozen=True, slots=True)
class MadeFor:
    """How many active experiences were made from the attempts of a student; None: by hand, or from nobody's."""

    student: str | None
    experiences: int


def students_of(session: Session, bank_ids: Collection[str]) -> dict[str, tuple[MadeFor, ...]]:
    """By bank, the students of its active experiences, most experiences first."""
    e, count = ExperienceRow, func.count()
    query = (
        select(e.bank_id, e.student, count)
        .where(e.bank_id.in_(bank_ids), e.status == "active")
        .group_by(e.bank_id, e.student)
        .order_by(e.bank_id, count.desc(), e.student)
    )
    found: dict[str, tuple[MadeFor, ...]] = dict.fromkeys(bank_ids, ())
    for bank_id, student, experiences in session.execute(query):
        found[bank_id] = (*found[bank_id], MadeFor(student, experiences))
    return found


def notice(students: Iterable[str | None], *, asked: str, bank: str) -> str | None:
    """What to tell, once, where experiences that were made for other students are used with this one; else None."""
    others = sorted({student for student in students if student is not None} - {asked})
    if not others:
        return None
    return (
        f"experiences of this bank were made with {', '.join(others)}, but {asked} uses them: measure whether they help "
        f"it with `ted evaluate {bank} EVAL.jsonl --student {asked} --arms none,retrieve`"
    )
