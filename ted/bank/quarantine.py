"""What is held back of a bank until somebody reviewed it: samples and experiences that give the model orders.

What is held back is decided by ted/injections; samples are kept here when a distillation is made, experiences by the writer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import literal, select, union_all
from sqlalchemy.orm import Session

from ted.bank.bank import Bank
from ted.bank.caller import Caller
from ted.bank.changes import Change, Occasion, Review
from ted.bank.database import Database
from ted.bank.job_tables import QuarantinedSampleRow, SampleRow
from ted.bank.pages import Page, Paged, paged
from ted.bank.tables import ExperienceRow, HistoryRow, now
from ted.errors import NotFound

HeldKind = Literal["experience", "sample"]
OCCASION = Occasion("review")


@dataclass(frozen=True, slots=True)
class Held:
    """Something that is held back: what it is, what speaks against it where, and what a reviewer said (None: nothing).

    `texts` are those that a reviewer has to read, by their names; `instead_of` the experiences that it would replace;
    `job` and `sample` where it came from, if that is known.
    """

    id: str
    kind: HeldKind
    reason: str
    field: str
    passage: str
    accepted: bool | None
    texts: Mapping[str, str]
    instead_of: tuple[str, ...]
    job: str | None
    sample: str | None
    created_at: datetime


class QuarantineStore:
    """Of a caller's banks; each method is one short transaction."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    def of_bank(
        self, bank_id: str, page: Page, *, kind: HeldKind | None = None, reviewed: bool = False
    ) -> Paged[Held]:
        """What waits for a review by its id, or what was reviewed; of one kind if given."""
        e, s = ExperienceRow, QuarantinedSampleRow
        waits = e.status == "quarantined"
        experiences = select(e.id.label("id"), literal("experience").label("kind")).where(
            e.bank_id == bank_id,
            self._caller.theirs(e),
            e.quarantine.is_not(None),
            ~waits if reviewed else waits,
        )
        samples = select(s.id.label("id"), literal("sample").label("kind")).where(
            s.bank_id == bank_id,
            self._caller.theirs(s),
            s.accepted.is_not(None) if reviewed else s.accepted.is_(None),
        )
        by_hand = select(e.id.label("id"), literal("experience").label("kind")).where(
            e.bank_id == bank_id, self._caller.theirs(e), e.quarantine.is_(None), waits
        )
        parts: dict[HeldKind, list[Any]] = {
            "experience": [experiences] if reviewed else [experiences, by_hand],
            "sample": [samples],
        }
        chosen = [part for name, group in parts.items() if kind in (None, name) for part in group]
        found = union_all(*chosen).subquery()
        with self._database.reading() as session:
            rows, more = paged(session, select(found.c.id, found.c.kind), page, by=[found.c.id])
            return Paged(tuple(_held(session, i) for i, _ in rows), more)

    def one(self, bank_id: str, held_id: str) -> Held:
        """Raises NotFound."""
        with self._database.reading() as session:
            self._row(session, bank_id, held_id)
            return _held(session, held_id)

    def review_sample(self, bank_id: str, held_id: str, *, accepted: bool) -> Held:
        """A later word replaces an earlier one. Raises NotFound."""
        with self._database.writing() as session:
            row = self._row(session, bank_id, held_id)
            assert isinstance(row, QuarantinedSampleRow)
            row.accepted, row.reviewed_at = accepted, now()
            session.flush()
            return _held(session, held_id)

    def _row(self, session: Session, bank_id: str, held_id: str) -> ExperienceRow | QuarantinedSampleRow:
        table = QuarantinedSampleRow if is_sample(held_id) else ExperienceRow
        row: Any = session.get(table, held_id)
        held = row is not None and (
            is_sample(held_id) or row.quarantine is not None or row.status == "quarantined"
        )
        if not held or row.bank_id != bank_id or not self._caller.has(row):
            raise NotFound(f"nothing of the name '{held_id}' is, or was, in this bank's quarantine")
        found: ExperienceRow | QuarantinedSampleRow = row
        return found


async def review(bank: Bank, store: QuarantineStore, held_id: str, *, accepted: bool, by: str) -> Held:
    """Accepted, an experience is served, in the place of what it was written for; a sample is worked on by the next run.

    Rejected, it is kept and not used. Raises NotFound, and Conflict for an experience that does not wait any more.
    """
    if is_sample(held_id):
        return await asyncio.to_thread(store.review_sample, bank.id, held_id, accepted=accepted)
    await asyncio.to_thread(store.one, bank.id, held_id)
    await bank.apply([Change(Review(held_id, accepted), provenance={"by": by})], OCCASION)
    return await asyncio.to_thread(store.one, bank.id, held_id)


def is_sample(held_id: str) -> bool:
    """Whether the id is of a sample that is held back."""
    return held_id.startswith("held_")


def _held(session: Session, held_id: str) -> Held:
    if is_sample(held_id):
        row = session.get_one(QuarantinedSampleRow, held_id)
        sample = session.get_one(SampleRow, (row.job_id, row.sample_id))
        texts = {"question": sample.question, "answer": sample.answer}
        return Held(
            id=row.id,
            kind="sample",
            reason=row.found["kind"],
            field=row.found["field"],
            passage=row.found["passage"],
            accepted=row.accepted,
            texts=texts,
            instead_of=(),
            job=row.job_id,
            sample=row.sample_id,
            created_at=row.created_at,
        )
    experience = session.get_one(ExperienceRow, held_id)
    return _held_experience(session, experience)


def _held_experience(session: Session, row: ExperienceRow) -> Held:
    """One that an operator quarantined by hand has no finding."""
    found = row.quarantine or {}
    query = select(HistoryRow.provenance).where(HistoryRow.experience_id == row.id).order_by(HistoryRow.id)
    origin = session.scalar(query.limit(1)) or {}
    return Held(
        id=row.id,
        kind="experience",
        reason=found.get("kind", "by_hand"),
        field=found.get("field", ""),
        passage=found.get("passage", ""),
        accepted=found.get("accepted"),
        texts={"when_to_use": row.when_to_use, "content": row.content},
        instead_of=tuple(i for i, _ in found.get("instead_of", ())),
        job=_text(origin.get("job")),
        sample=_text(origin.get("sample")),
        created_at=row.created_at,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
