"""For whom the store is read and written, and so what of it is there for them. Who they are is a face's affair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_

from ted.bank.tables import BankRow, Base

DEFAULT_PROJECT = "proj_default"


@dataclass(frozen=True, slots=True)
class Caller:
    """One project, or some banks of it (None: all), and the key that what is spent is charged to, if there is one.

    What is not theirs is not there for them: a store answers as if it had never been.
    """

    project_id: str
    banks: frozenset[str] | None = None
    key_id: str | None = None

    def theirs(self, table: type[Base]) -> ColumnElement[bool]:
        """Which rows of the table there are. One with a bank only where the bank is theirs."""
        columns: Any = table
        of_project: ColumnElement[bool] = columns.project_id == self.project_id
        bank_id = columns.id if table is BankRow else getattr(columns, "bank_id", None)
        if self.banks is None or bank_id is None:
            return of_project
        return and_(of_project, bank_id.in_(self.banks))

    def has(self, row: Base | None) -> bool:
        """Whether the row is there, and theirs."""
        columns: Any = row
        if row is None or columns.project_id != self.project_id:
            return False
        if self.banks is None:
            return True
        if isinstance(row, BankRow):
            return row.id in self.banks
        return not hasattr(row, "bank_id") or columns.bank_id in self.banks


DEFAULT_CALLER = Caller(DEFAULT_PROJECT)
"""All of the project that a store has from the start."""
