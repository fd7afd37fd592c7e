"""A bank as it lies in the store: how it is set and what is in it, whatever embedders it was made with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ted.bank.changes import Occasion
from ted.bank.database import Database
from ted.bank.retriever import bank_row
from ted.bank.rows import experiences_of, load_images
from ted.bank.tables import BankRow, ExperienceRow, RevisionRow
from ted.bank.unvouched import unlabelled_among
from ted.errors import NotFound
from ted.experience import Experience, Retrieval
from ted.sample import Image
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
    """A bank that need not be open: it is read; nothing is retrieved from it and nothing put into it."""

    def __init__(self, bank_id: str, *, database: Database) -> None:
        self.id, self.database = bank_id, database

    @property
    def record(self) -> BankRecord:
        """The bank as it stands in the store now. Raises NotFound."""
        with self.database.reading() as session:
            return record_of(self._row(session))

    def _row(self, session: Session) -> BankRow:
        return bank_row(session, self.id)

    def experiences(self, *, status: Collection[str] | None = ("active",)) -> list[Experience]:
        """All experiences of these statuses (None: any), oldest first."""
        with self.database.reading() as session:
            query = select(ExperienceRow).where(ExperienceRow.bank_id == self.id).order_by(ExperienceRow.id)
            if status is not None:
                query = query.where(ExperienceRow.status.in_(status))
            return experiences_of(session, session.scalars(query).all())

    def experience(self, experience_id: str) -> Experience:
        """One experience of this bank, whatever its status. Raises NotFound."""
        with self.database.reading() as session:
            row = session.get(ExperienceRow, experience_id)
            if row is None or row.bank_id != self.id:
                raise NotFound(f"bank '{self._row(session).name}' has no experience {experience_id!r}")
            return experiences_of(session, [row])[0]

    def unlabelled_among(self, experience_ids: Collection[str]) -> set[str]:
        """Those of these experiences whose text comes from samples without a reference alone."""
        with self.database.reading() as session:
            return unlabelled_among(session, experience_ids)

    def made_at(self, revision: int) -> list[Experience]:
        """What a revision brought into being, whatever has become of it since, oldest first."""
        query = select(ExperienceRow).where(
            ExperienceRow.bank_id == self.id, ExperienceRow.created_revision == revision
        )
        with self.database.reading() as session:
            return experiences_of(session, session.scalars(query.order_by(ExperienceRow.id)).all())

    def gate_of(self, experience_id: str) -> dict[str, Any] | None:
        """What the gate found of an experience so far, if it was tried."""
        with self.database.reading() as session:
            row = session.get(ExperienceRow, experience_id)
            return row.gate if row and row.bank_id == self.id else None

    def pictures(self, retrieval: Retrieval) -> dict[str, Image]:
        """The images of what is demonstrated, by their sha256."""
        hashes = sorted({sha256 for shown in retrieval.demonstrations for sha256 in shown.images})
        with self.database.reading() as session:
            images = load_images(session, self._row(session).project_id, hashes)
        return {image.sha256: image for image in images}

    def has_applied(self, occasion: Occasion) -> bool:
        """Whether this batch of a job has changed the bank already."""
        return self.report_of(occasion) is not None

    def report_of(self, occasion: Occasion) -> dict[str, Any] | None:
        """The report of the revision that this batch of a job made, with its notes, number and active experiences.

        None where it made none.
        """
        with self.database.reading() as session:
            row = revision_of(session, occasion)
            return row.report | {"revision": row.revision, "active": row.active} if row else None


def revision_of(session: Session, occasion: Occasion) -> RevisionRow | None:
    """The revision that this batch of a job made; None where it made none."""
    return session.scalar(
        select(RevisionRow).where(
            RevisionRow.job_id == occasion.job_id,
            RevisionRow.epoch == occasion.epoch,
            RevisionRow.batch == occasion.batch,
            RevisionRow.reason == occasion.reason,
        )
    )
