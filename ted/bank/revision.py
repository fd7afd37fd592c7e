"""A revision of a bank in the making: which experiences may be changed, and what is noted of each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.changes import Applied, Change, Occasion, Skip
from ted.bank.holding import CHANGEABLE
from ted.bank.inheriting import inherited_by
from ted.bank.rows import keys_of
from ted.bank.tables import BankRow, CounterRow, ExperienceRow, HistoryRow, RevisionRow, now
from ted.bank.usage import recount


class Revision:
    """Histories, counters, what was skipped, and at its close the revision itself. `base`: as the changes know the bank."""

    def __init__(self, session: Session, bank: BankRow, base: int) -> None:
        self._session, self._bank, self._base = session, bank, base
        self.number = bank.revision + 1
        self._counts: dict[str, int] = {}
        self._skipped: list[Skip] = []
        self._restarted: set[str] = set()

    def close(self, occasion: Occasion, notes: Mapping[str, Any]) -> Applied:
        """The bank is at this revision from now on."""
        self._session.flush()
        recount(self._session, self._bank.id, self._restarted)
        applied = Applied(self.number, self._counts, tuple(self._skipped))
        active = self._session.scalar(
            select(func.count())
            .select_from(ExperienceRow)
            .where(ExperienceRow.bank_id == self._bank.id, ExperienceRow.status == "active")
        )
        self._session.add(
            RevisionRow(
                bank_id=self._bank.id,
                revision=self.number,
                project_id=self._bank.project_id,
                active=active or 0,
                report={**notes, **applied.report()},
                **asdict(occasion),
            )
        )
        self._bank.revision = self.number
        return applied

    def row(self, operation: str, experience_id: str, change: Change) -> ExperienceRow | None:
        """The experience; None, and told, where this bank has none of that id."""
        row = self._session.get(ExperienceRow, experience_id)
        if row is None or row.bank_id != self._bank.id:
            self.skip(operation, experience_id, "no such experience in this bank", change)
            return None
        return row

    def changeable(self, operation: str, experience_id: str, change: Change) -> ExperienceRow | None:
        """The same, where a job may change it, and it is as it was at the base; else None, and told."""
        row = self.row(operation, experience_id, change)
        why = None
        if row is None:
            return None
        if row.updated_revision > self._base:
            why = f"changed at revision {row.updated_revision}, after the base {self._base}"
        elif row.status not in CHANGEABLE:
            why = f"its status is {row.status}"
        elif row.pinned:
            why = "it is pinned"
        if why:
            self.skip(operation, experience_id, why, change)
            return None
        return row

    def skip(self, operation: str, experience_id: str, why: str, change: Change) -> None:
        """Tells that a change is not made."""
        sample = str(change.provenance.get("sample", ""))
        self._skipped.append(Skip(operation, experience_id, why, sample))

    def changed(self, row: ExperienceRow, operation: str, change: Change, *, counted: bool = True) -> None:
        """Writes down what an experience is now."""
        row.updated_revision, row.updated_at = self.number, now()
        self.record(row, operation, change)
        if counted:
            self.count(operation)

    def record(self, row: ExperienceRow, operation: str, change: Change) -> None:
        """An entry of its history."""
        self._session.add(
            HistoryRow(
                project_id=row.project_id,
                experience_id=row.id,
                revision=self.number,
                operation=operation,
                version=row.version,
                when_to_use=row.when_to_use,
                content=row.content,
                status=row.status,
                pinned=row.pinned,
                tags=row.tags,
                keys=[asdict(key) for key in keys_of(self._session, row.id)],
                provenance=change.provenance | ({"gate": row.gate} if row.gate else {}),
            )
        )

    def restart_counters(self, row: ExperienceRow) -> None:
        """Another text begins at zero; one that it had before has its evidence back, once all is written."""
        self._session.flush()
        self._restarted.add(row.id)
        self._session.query(CounterRow).filter_by(experience_id=row.id).delete()
        self._session.add(
            CounterRow(
                experience_id=row.id,
                project_id=row.project_id,
                bank_id=row.bank_id,
                version=row.version,
                inherited=inherited_by(self._session, row),
            )
        )

    def count(self, operation: str) -> None:
        """One more of them was made."""
        self._counts[operation] = self._counts.get(operation, 0) + 1
