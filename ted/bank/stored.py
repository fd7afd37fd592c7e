"""A bank as it lies in the store: what it is called and how it is set, whatever embedders it was made with."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from ted.bank.database import Database
from ted.bank.retriever import bank_row
from ted.bank.tables import BankRow
from ted.settings import CascadeSettings, RetrievalSettings, TrialSettings


@dataclass(frozen=True, slots=True)
class BankRecord:
    """A bank as the store has it."""

    id: str
    project_id: str
    name: str
    revision: int
    max_experiences: int
    max_tokens: int
    retrieval: RetrievalSettings
    trials: TrialSettings
    cascade: CascadeSettings


def record_of(row: BankRow) -> BankRecord:
    """The value of a bank row."""
    settings = RetrievalSettings().with_options(row.retrieval)
    return BankRecord(
        row.id,
        row.project_id,
        row.name,
        row.revision,
        row.max_experiences,
        row.max_tokens,
        settings,
        TrialSettings(**row.trials),
        CascadeSettings(**row.cascade),
    )


class StoredBank:
    """A bank that need not be open: nothing is retrieved from it and nothing put into it."""

    def __init__(self, bank_id: str, *, database: Database) -> None:
        self.id, self.database = bank_id, database

    @property
    def record(self) -> BankRecord:
        """The bank as it stands in the store now. Raises NotFound."""
        with self.database.reading() as session:
            return record_of(self._row(session))

    def _row(self, session: Session) -> BankRow:
        return bank_row(session, self.id)
