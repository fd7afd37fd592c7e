"""Banks in the store: made, found by name or id, listed, deleted. What is in one is ted/bank/bank's affair."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import func, or_, select

from ted.bank.database import Database
from ted.bank.tables import BankRow, ExperienceRow, ProjectRow
from ted.errors import BadInput, Conflict, NotFound
from ted.ids import new_id
from ted.settings import RetrievalSettings

DEFAULT_PROJECT = "proj_default"


class BankStore:
    """Reads and writes banks; each method is one short transaction. A bank is named by its name or its id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure_project(self) -> None:
        """The one project there is until keys exist."""
        with self._database.writing() as session:
            if session.get(ProjectRow, DEFAULT_PROJECT) is None:
                session.add(ProjectRow(id=DEFAULT_PROJECT, name="default"))

    def create(
        self,
        name: str,
        *,
        text_fingerprint: str,
        image_fingerprint: str | None,
        retrieval: RetrievalSettings | None = None,
        max_experiences: int = 200,
    ) -> str:
        """The id of a new bank. Raises BadInput for a name that cannot be used, Conflict for one that is taken."""
        if not name.strip() or len(name) > 100 or "@" in name:
            raise BadInput(f"{name!r} cannot name a bank: use 1 to 100 characters without '@'")
        with self._database.writing() as session:
            taken = select(BankRow).where(BankRow.name == name, BankRow.project_id == DEFAULT_PROJECT)
            if session.scalar(taken):
                raise Conflict(
                    f"there is a bank '{name}' already: use it, or delete it with `ted bank delete`"
                )
            row = BankRow(
                id=new_id("bank"),
                project_id=DEFAULT_PROJECT,
                name=name,
                text_fingerprint=text_fingerprint,
                image_fingerprint=image_fingerprint,
                retrieval=asdict(retrieval or RetrievalSettings()),
                max_experiences=max_experiences,
            )
            session.add(row)
            return row.id

    def find(self, bank: str) -> str:
        """The id of the bank of this name or id. Raises NotFound."""
        with self._database.reading() as session:
            found = session.scalar(select(BankRow.id).where(or_(BankRow.name == bank, BankRow.id == bank)))
        if found is None:
            raise NotFound(
                f"there is no bank '{bank}': see `ted bank list`, or make it with `ted bank create`"
            )
        return found

    def list(self) -> list[dict[str, object]]:
        """All banks, oldest first, with how many active experiences each has."""
        active = (
            select(func.count())
            .where(ExperienceRow.bank_id == BankRow.id, ExperienceRow.status == "active")
            .scalar_subquery()
        )
        with self._database.reading() as session:
            return [
                {
                    "id": row.id,
                    "name": row.name,
                    "revision": row.revision,
                    "experiences": count,
                    "max_experiences": row.max_experiences,
                    "created_at": row.created_at.isoformat(),
                }
                for row, count in session.execute(select(BankRow, active).order_by(BankRow.id))
            ]

    def delete(self, bank_id: str) -> None:
        """The bank with everything in it."""
        with self._database.writing() as session:
            row = session.get(BankRow, bank_id)
            if row is not None:
                session.delete(row)
