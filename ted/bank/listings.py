"""Banks, experiences and their histories as the store has them, for faces to show. Changing them is ted/bank/bank's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.banks import settings_tag
from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.json_lists import has_text
from ted.bank.pages import Page, Paged, paged
from ted.bank.portability import MadeFor, students_of
from ted.bank.rows import experiences_of, status_of, tag_of
from ted.bank.tables import BankRow, CounterRow, ExperienceRow, HistoryRow
from ted.bank.unvouched import unlabelled_among
from ted.bank.usage import COUNTERS, SUMS, UsageStats
from ted.bank.utility import Inherited
from ted.errors import BadInput, NotFound
from ted.experience import Experience, Status
from ted.settings import CascadeSettings, RetrievalSettings, TrialSettings


@dataclass(frozen=True, slots=True)
class BankDetails:
    """All of a bank but what is in it; `experiences` are the active ones, `tag` changes with its settings.

    `students` are whom these experiences were made with.
    """

    id: str
    name: str
    description: str
    text_embedder: str
    image_embedder: str | None
    retrieval: RetrievalSettings
    trials: TrialSettings
    cascade: CascadeSettings
    alarm: bool
    max_experiences: int
    max_tokens: int
    metadata: dict[str, Any]
    revision: int
    experiences: int
    students: tuple[MadeFor, ...]
    created_at: datetime
    tag: str


@dataclass(frozen=True, slots=True)
class ExperienceDetails:
    """An experience with its usage and origin; `tag` changes whenever it does. `unlabelled`: no reference stands behind
    its text."""

    experience: Experience
    usage: UsageStats
    last_used_at: datetime | None
    student: str | None
    teacher: str | None
    gate: dict[str, Any] | None
    unlabelled: bool
    quarantine: dict[str, Any] | None
    created_revision: int
    updated_revision: int
    created_at: datetime
    updated_at: datetime
    tag: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of an experience: the text and status after it, and where it came from."""

    id: str
    revision: int
    operation: str
    version: int
    when_to_use: str
    content: str
    status: Status
    provenance: dict[str, Any]
    created_at: datetime


class Listings:
    """Reads of what is a caller's; each method is one short transaction."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    def banks(self, page: Page) -> Paged[BankDetails]:
        """Banks by id."""
        with self._database.reading() as session:
            rows, more = paged(session, self._banks(), page, by=[BankRow.id])
            students = students_of(session, [row.id for row, _ in rows])
            return Paged(tuple(_bank(row, count, students[row.id]) for row, count in rows), more)

    def bank(self, bank_id: str) -> BankDetails:
        """One bank. Raises NotFound."""
        with self._database.reading() as session:
            found = session.execute(self._banks().where(BankRow.id == bank_id)).one_or_none()
            students = students_of(session, [bank_id])
        if found is None:
            raise NotFound(f"there is no bank '{bank_id}'")
        row, experiences = found
        return _bank(row, experiences, students[bank_id])

    def _banks(self) -> Any:
        active = (
            select(func.count())
            .where(ExperienceRow.bank_id == BankRow.id, ExperienceRow.status == "active")
            .scalar_subquery()
        )
        return select(BankRow, active).where(self._caller.theirs(BankRow))

    def experiences(
        self,
        bank_id: str,
        page: Page,
        *,
        status: Status | None = None,
        tag: str | None = None,
        never_used: bool = False,
    ) -> Paged[ExperienceDetails]:
        """Experiences of a bank by id, of any status unless one is given, having the tag if one is given.

        `never_used`: only those whose present version was never retrieved.
        """
        query = self._experiences(bank_id)
        if status is not None:
            query = query.where(ExperienceRow.status == status)
        if tag is not None:
            query = query.where(has_text(ExperienceRow.tags, tag))
        if never_used:
            query = query.where(CounterRow.retrieved == 0)
        with self._database.reading() as session:
            rows, more = paged(session, query, page, by=[ExperienceRow.id])
            return Paged(tuple(_details(session, rows)), more)

    def made_at(self, bank_id: str, revision: int) -> list[ExperienceDetails]:
        """The experiences that a revision brought into being, in the order of the changes."""
        query = self._experiences(bank_id).where(ExperienceRow.created_revision == revision)
        with self._database.reading() as session:
            rows = session.execute(query.order_by(ExperienceRow.id)).all()
            return _details(session, rows)

    def experience(self, bank_id: str, experience_id: str) -> ExperienceDetails:
        """One experience of the bank, whatever its status. Raises NotFound."""
        query = self._experiences(bank_id).where(ExperienceRow.id == experience_id)
        with self._database.reading() as session:
            found = session.execute(query).one_or_none()
            if found is None:
                raise NotFound(f"bank {bank_id} has no experience '{experience_id}'")
            return _details(session, [found])[0]

    def history(self, bank_id: str, experience_id: str, page: Page) -> Paged[HistoryEntry]:
        """The changes of an experience, in the order they were made. Raises NotFound."""
        self.experience(bank_id, experience_id)
        query = select(HistoryRow).where(HistoryRow.experience_id == experience_id)
        with self._database.reading() as session:
            rows, more = paged(session, query, page, by=[HistoryRow.id], decode=_number)
            return Paged(tuple(_entry(row) for (row,) in rows), more)

    def _experiences(self, bank_id: str) -> Any:
        return (
            select(ExperienceRow, CounterRow)
            .join(CounterRow, CounterRow.experience_id == ExperienceRow.id)
            .where(ExperienceRow.bank_id == bank_id, self._caller.theirs(ExperienceRow))
        )


def _number(cursor: str) -> tuple[int]:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise BadInput(f"{cursor!r} is no cursor of this list: give the first_id or last_id of a page")
    return (int(cursor),)


def _bank(row: BankRow, experiences: int, students: tuple[MadeFor, ...]) -> BankDetails:
    return BankDetails(
        id=row.id,
        name=row.name,
        description=row.description,
        text_embedder=row.text_fingerprint,
        image_embedder=row.image_fingerprint,
        retrieval=RetrievalSettings().with_options(row.retrieval),
        trials=TrialSettings(**row.trials),
        cascade=CascadeSettings(**row.cascade),
        alarm=bool(row.alarm and row.alarm["raised"]),
        max_experiences=row.max_experiences,
        max_tokens=row.max_tokens,
        metadata=row.details,
        revision=row.revision,
        experiences=experiences,
        students=students,
        created_at=row.created_at,
        tag=settings_tag(row),
    )


def _details(session: Session, rows: Sequence[Any]) -> list[ExperienceDetails]:
    experiences = experiences_of(session, [row for row, _ in rows])
    unlabelled = unlabelled_among(session, [row.id for row, _ in rows])
    return [
        ExperienceDetails(
            experience=experience,
            usage=replace(
                UsageStats(*(getattr(counter, name) for name in COUNTERS + SUMS)),
                inherited=Inherited.from_json(counter.inherited),
            ),
            last_used_at=counter.last_used_at,
            student=row.student,
            teacher=row.teacher,
            gate=row.gate,
            unlabelled=row.id in unlabelled,
            quarantine=row.quarantine,
            created_revision=row.created_revision,
            updated_revision=row.updated_revision,
            created_at=row.created_at,
            updated_at=row.updated_at,
            tag=tag_of(row),
        )
        for (row, counter), experience in zip(rows, experiences, strict=True)
    ]


def _entry(row: HistoryRow) -> HistoryEntry:
    return HistoryEntry(
        id=str(row.id),
        revision=row.revision,
        operation=row.operation,
        version=row.version,
        when_to_use=row.when_to_use,
        content=row.content,
        status=status_of(row.status),
        provenance=row.provenance,
        created_at=row.created_at,
    )
