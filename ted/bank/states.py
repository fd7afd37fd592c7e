"""Experiences as they stood at a revision, read from their histories. Bringing them back is ted/bank/restoring's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.rows import status_of
from ted.bank.tables import ExperienceRow, HistoryRow
from ted.experience import Key, Status


@dataclass(frozen=True, slots=True)
class State:
    """An experience at a revision. Pin, tags and keys are None where the store did not keep them at that time."""

    experience_id: str
    version: int
    when_to_use: str
    content: str
    status: Status
    pinned: bool | None
    tags: tuple[str, ...] | None
    keys: tuple[Key, ...] | None

    @property
    def is_whole(self) -> bool:
        """Whether all of it is known."""
        return self.pinned is not None and self.tags is not None and self.keys is not None

    @property
    def sources(self) -> tuple[Key, ...] | None:
        """Its keys but the wording, which its text tells."""
        return None if self.keys is None else tuple(k for k in self.keys if k.kind != "when_to_use")


def states_at(session: Session, bank_id: str, revision: int) -> dict[str, State]:
    """The experiences that there were at that revision, of any status, by id in the order they were made."""
    newest = (
        select(func.max(HistoryRow.id))
        .join(ExperienceRow, ExperienceRow.id == HistoryRow.experience_id)
        .where(ExperienceRow.bank_id == bank_id, HistoryRow.revision <= revision)
        .group_by(HistoryRow.experience_id)
    )
    query = select(HistoryRow).where(HistoryRow.id.in_(newest)).order_by(HistoryRow.experience_id)
    return {row.experience_id: state_of(row) for row in session.scalars(query)}


def state_of(row: HistoryRow) -> State:
    """The value of an entry of a history."""
    return State(
        row.experience_id,
        row.version,
        row.when_to_use,
        row.content,
        status_of(row.status),
        row.pinned,
        None if row.tags is None else tuple(row.tags),
        None if row.keys is None else tuple(_key(told) for told in row.keys),
    )


def _key(told: dict[str, Any]) -> Key:
    return Key(told["kind"], told["text"], told["image_sha256"])
