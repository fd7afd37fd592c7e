"""A bank's vectors by other embedders: written beside those it has, then put in their place. When, is ted/jobs' affair.

Vectors of other embedders than the bank's are never looked at, so a bank that is half embedded anew is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, false, func, or_, select, update
from sqlalchemy.orm import Session

from index.protocols import Vectors
from index.vectors import to_bytes
from ted.bank.changes import Occasion
from ted.bank.database import Database
from ted.bank.embedding import Embedders
from ted.bank.job_events import tell_steps
from ted.bank.job_tables import JobRow
from ted.bank.job_values import Job, job_of
from ted.bank.jobs import end_job
from ted.bank.retriever import bank_row
from ted.bank.rows import key_of, load_images
from ted.bank.tables import BankRow, EmbeddingRow, ExperienceRow, KeyRow
from ted.bank.writer import Writer
from ted.errors import JobStopped
from ted.experience import Key
from ted.sample import Image

KEYS_AT_ONCE, IMAGES_AT_ONCE = 64, 8
"""Keys that are embedded and kept in one go, and how many of them are images, whose bytes are in memory then."""


@dataclass(frozen=True, slots=True)
class Target:
    """The fingerprints that a bank is to have."""

    text: str
    image: str | None

    @staticmethod
    def of(embedders: Embedders) -> Target:
        return Target(embedders.text.fingerprint, embedders.image_fingerprint)

    @staticmethod
    def of_bank(bank: BankRow) -> Target:
        return Target(bank.text_fingerprint, bank.image_fingerprint)


@dataclass(frozen=True, slots=True)
class ReembeddingPlan:
    """What is to be embedded: keys, and of them texts, `when_to_use` as captions, and images."""

    made_with: Target
    target: Target
    keys: int
    texts: int
    captions: int
    images: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Bare:
    """A key that has no vector by the text embedder, the image embedder, or either; an image comes with its bytes."""

    id: int
    key: Key
    text: bool
    image: bool
    picture: Image | None


@dataclass(frozen=True, slots=True)
class Made:
    """A vector that was made for a key, as stored."""

    key_id: int
    fingerprint: str
    vector: bytes


def embed_bare(keys: Sequence[Bare], embedders: Embedders) -> list[Made]:
    """The vectors that these keys have not."""
    texts = [key for key in keys if key.text]
    made = _made(texts, embedders.text.fingerprint, embedders.text.embed_texts([k.key.text for k in texts]))
    if embedders.image is not None:
        fingerprint = embedders.image.fingerprint
        captions = [key for key in keys if key.image and key.picture is None]
        made += _made(captions, fingerprint, embedders.image.embed_captions([k.key.text for k in captions]))
        drawn = [(key, key.picture.data) for key in keys if key.picture is not None]
        rows = embedders.image.embed_images([data for _, data in drawn])
        made += _made([key for key, _ in drawn], fingerprint, rows)
    return made


def _made(keys: Sequence[Bare], fingerprint: str, rows: Vectors) -> list[Made]:
    return [Made(key.id, fingerprint, to_bytes(row)) for key, row in zip(keys, rows, strict=True)]


class ReembeddingStore:
    """The vectors of one bank on their way to a target. Each method is one short transaction.

    What writes is done for a run of the job, and raises JobStopped where somebody paused or cancelled it: so no vector
    comes after a cancellation, and a cancelled job never switches the bank.
    """

    def __init__(self, database: Database, bank_id: str, target: Target) -> None:
        self._database, self._bank_id, self._target = database, bank_id, target
        self._lacks = {
            "texts": (KeyRow.kind != "image") & _lacking(target.text),
            "captions": (KeyRow.kind == "when_to_use") & _lacking(target.image),
            "images": (KeyRow.kind == "image") & _lacking(target.image),
        }

    def plan(self) -> ReembeddingPlan:
        """What is left to do. Raises NotFound."""
        with self._database.reading() as session:
            made_with = Target.of_bank(bank_row(session, self._bank_id))
            counts = {name: self._count(session, lacks) for name, lacks in self._lacks.items()}
            keys = self._count(session, or_(*self._lacks.values()))
        return ReembeddingPlan(made_with, self._target, keys=keys, **counts)

    def bare(self, *, after: int) -> list[Bare]:
        """The next keys that lack a vector, by id."""
        lacks = self._lacks
        query = (
            select(KeyRow, lacks["texts"], or_(lacks["captions"], lacks["images"]))
            .join(ExperienceRow, ExperienceRow.id == KeyRow.experience_id)
            .where(ExperienceRow.bank_id == self._bank_id, KeyRow.id > after, or_(*lacks.values()))
            .order_by(KeyRow.id)
            .limit(KEYS_AT_ONCE)
        )
        found: list[Bare] = []
        with self._database.reading() as session:
            drawn = 0
            for row, text, image in session.execute(query).all():
                picture = None
                if row.kind == "image":
                    if drawn == IMAGES_AT_ONCE:
                        break
                    drawn += 1
                    (picture,) = load_images(session, row.project_id, [str(row.image_sha256)])
                found.append(Bare(row.id, key_of(row), bool(text), bool(image), picture))
        return found

    def count(self, run: Job) -> None:
        """Sets how many steps the job has: those done, and the keys that are left."""
        with self._database.writing() as session:
            job = _running(session, run)
            job.steps = job.steps_done + self._count(session, or_(*self._lacks.values()))
            tell_steps(session, job)

    def keep(self, run: Job, keys: Sequence[Bare], made: Sequence[Made]) -> None:
        """The vectors of these keys, beside those they have. A key that is gone meanwhile needs none."""
        with self._database.writing() as session:
            job = _running(session, run)
            query = select(KeyRow.id, KeyRow.project_id).where(KeyRow.id.in_([key.id for key in keys]))
            there = dict(session.execute(query).tuples().all())
            session.add_all(
                EmbeddingRow(
                    key_id=one.key_id,
                    fingerprint=one.fingerprint,
                    project_id=there[one.key_id],
                    vector=one.vector,
                )
                for one in made
                if one.key_id in there
            )
            session.execute(
                update(JobRow)
                .where(JobRow.id == job.id)
                .values(steps_done=JobRow.steps_done + len(keys))
                .execution_options(synchronize_session=False)
            )
            session.refresh(job)
            job.steps = max(job.steps or 0, job.steps_done)  # some came meanwhile
            tell_steps(session, job)

    def switch(self, run: Job) -> Job | None:
        """The bank has its new embedders and a new revision, its old vectors are gone, and the job has succeeded.

        None where keys lack a vector still, which came meanwhile: then nothing is changed.
        """
        with self._database.writing() as session:
            job = _running(session, run)
            if self._count(session, or_(*self._lacks.values())):
                return None
            bank = bank_row(session, self._bank_id)
            before, notes = Target.of_bank(bank), _notes(bank, self._target)
            if before != self._target or job.steps_done:
                Writer(session, bank, bank.revision).apply([], Occasion("reembedding", job.id, 0, 0), notes)
                bank.text_fingerprint, bank.image_fingerprint = self._target.text, self._target.image
            session.flush()
            drop_other_vectors(session, bank)
            result = {**notes, "keys": job.steps_done, "revision": bank.revision}
            end_job(session, job, "succeeded", result=result)
            return job_of(job)

    def _count(self, session: Session, lacks: ColumnElement[bool]) -> int:
        query = (
            select(func.count())
            .select_from(KeyRow)
            .join(ExperienceRow, ExperienceRow.id == KeyRow.experience_id)
            .where(ExperienceRow.bank_id == self._bank_id, lacks)
        )
        return session.scalar(query) or 0


def drop_other_vectors(session: Session, bank: BankRow) -> None:
    """Within the caller's transaction: only the vectors by the bank's own embedders stay."""
    ours = (
        select(KeyRow.id)
        .join(ExperienceRow, ExperienceRow.id == KeyRow.experience_id)
        .where(ExperienceRow.bank_id == bank.id)
    )
    own = [f for f in (bank.text_fingerprint, bank.image_fingerprint) if f is not None]
    session.execute(
        delete(EmbeddingRow)
        .where(EmbeddingRow.key_id.in_(ours), EmbeddingRow.fingerprint.not_in(own))
        .execution_options(synchronize_session=False)
    )


def _lacking(fingerprint: str | None) -> ColumnElement[bool]:
    """Whether the key of a query has no vector by this embedder; by none, nothing is lacking."""
    if fingerprint is None:
        return false()
    there = exists().where(EmbeddingRow.key_id == KeyRow.id, EmbeddingRow.fingerprint == fingerprint)
    return ~there


def _running(session: Session, run: Job) -> JobRow:
    """The job, while this run of it goes on. Raises JobStopped."""
    row = session.get(JobRow, run.id, populate_existing=True)
    if row is None or (row.status, row.runs) != ("running", run.runs):
        raise JobStopped(f"job {run.id} is {row.status if row else 'gone'}")
    return row


def _notes(bank: BankRow, target: Target) -> Mapping[str, Any]:
    return {"made_with": asdict(Target.of_bank(bank)), "target": asdict(target)}
