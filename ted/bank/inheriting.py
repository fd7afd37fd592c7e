"""What a merge has of its parents' evidence, and which of its texts it is of. Used in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ted.bank.changes import Change
from ted.bank.tables import ExperienceRow, HistoryRow
from ted.bank.usage import usage_of
from ted.bank.utility import inherited_from


def inheriting(session: Session, change: Change, parents: Sequence[ExperienceRow]) -> Change:
    """With what a merge of these begins with, kept in its history for when its text comes back."""
    usage = usage_of(session, parents[0].bank_id, [parent.id for parent in parents])
    inherited = inherited_from(usage[parent.id].evidence for parent in parents)
    if not inherited.questions:
        return change
    return replace(change, provenance=change.provenance | {"inherited": inherited.to_json()})


def inherited_by(session: Session, row: ExperienceRow) -> dict[str, Any] | None:
    """What this very text has of the parents of a merge."""
    h = HistoryRow
    told = session.scalars(
        select(h.provenance)
        .where(h.experience_id == row.id, h.when_to_use == row.when_to_use, h.content == row.content)
        .where(h.operation.in_(("merge", "accept")))
        .order_by(h.id.desc())
    )
    return next((p["inherited"] for p in told if "inherited" in p), None)
