"""The Bank: experiences in the store and their vectors in an index, kept in step; the one door for the flows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from index.protocols import ImageEmbedder, TextEmbedder, VectorIndex, Vectors
from ted.bank.changes import Applied, Change, Occasion, Writer
from ted.bank.database import Database
from ted.bank.embedding import Embedders, embed_keys, store_embeddings
from ted.bank.foreign import foreign_questions
from ted.bank.key_index import Channel, KeyIndex
from ted.bank.rows import experiences_of, load_images, store_images
from ted.bank.scoring import (
    Calibration,
    ChannelScores,
    best_by_owner,
    chance_threshold,
    within_gap,
)
from ted.bank.tables import BankRow, ExperienceRow, RevisionRow
from ted.errors import NotFound, StoreMismatch
from ted.experience import Experience, Key, Retrieval, Retrieved, Similarity
from ted.operations import Add, Merge, Rewrite
from ted.sample import Image, Question
from ted.settings import RetrievalSettings
from ted.tokens import estimated_tokens

FETCH_FACTOR = 16
LEAST_FETCH = 64
"""Keys fetched by raw cosine in each channel before exact scoring: FETCH_FACTOR * k, and no fewer than this."""


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


def record_of(row: BankRow) -> BankRecord:
    """The value of a bank row."""
    settings = RetrievalSettings().with_options(row.retrieval)
    return BankRecord(
        row.id, row.project_id, row.name, row.revision, row.max_experiences, row.max_tokens, settings
    )


class Bank:
    """One bank, open in this process. Its async methods may be called concurrently; SQL commits first."""

    def __init__(
        self,
        bank_id: str,
        *,
        database: Database,
        text_embedder: TextEmbedder,
        image_embedder: ImageEmbedder | None,
        new_index: Callable[[int], VectorIndex],
    ) -> None:
        self.id, self.database = bank_id, database
        self._embedders = Embedders(text_embedder, image_embedder)
        self._lock = threading.Lock()
        with database.reading() as session:
            self._check_embedders(self._row(session))
        self._keys = KeyIndex(
            text_dimension=text_embedder.dimension,
            image_dimension=image_embedder.dimension if image_embedder else None,
            new_index=new_index,
        )

    @property
    def record(self) -> BankRecord:
        """The bank as it stands in the store now."""
        with self.database.reading() as session:
            return record_of(self._row(session))

    def _row(self, session: Session) -> BankRow:
        row = session.get(BankRow, self.id, populate_existing=True)
        if row is None:
            raise NotFound(f"bank {self.id} is gone: list the banks with `ted bank list`")
        return row

    def _check_embedders(self, row: BankRow) -> None:
        text, image = self._embedders.text.fingerprint, self._embedders.image_fingerprint
        for kind, made, here in (
            ("text", row.text_fingerprint, text),
            ("image", row.image_fingerprint, image),
        ):
            if made != here and made is not None:
                raise StoreMismatch(
                    f"bank '{row.name}' was made with the {kind} embedder '{made}', but this process has '{here}': "
                    f"set TED_{kind.upper()}_EMBEDDER to the bank's, or make a new bank"
                )

    # -- reading

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

    # -- retrieving

    async def retrieve(
        self,
        question: Question,
        settings: RetrievalSettings | None = None,
        *,
        tags: Collection[str] = (),
        status: Collection[str] = ("active",),
        without_key: str | None = None,
    ) -> Retrieval:
        """The experiences nearest to the question, best first, at the store's present revision.

        `tags`: only experiences that have all of them; `status`: only these. A filter never hides what matches.
        `without_key` leaves out text keys equal to that text (how findable is an experience without its own source?).
        """
        return await asyncio.to_thread(
            self._retrieve, question, settings or self.record.retrieval, set(tags), set(status), without_key
        )

    def _retrieve(
        self,
        question: Question,
        settings: RetrievalSettings,
        tags: set[str],
        status: set[str],
        without_key: str | None,
    ) -> Retrieval:
        vectors = self._embedders.embed_question(question)
        foreign = foreign_questions(self._embedders.text)
        with self._lock:
            calibration = self._catch_up(foreign)
            among = [
                e.id for e in self._keys.experiences.values() if e.status in status and tags <= set(e.tags)
            ]
            everyone = len(among) == len(self._keys.experiences)
            fetch = max(LEAST_FETCH, FETCH_FACTOR * settings.k)
            ids = sorted(self._keys.candidates(vectors, fetch=fetch, among=None if everyone else among))
            scores = self._scores(vectors, ids, calibration)
            found = {i: self._keys.experiences[i] for i in ids}
            revision, floor = self._keys.revision, self._floor(settings, vectors)
        fused = scores.fused()
        order = sorted(range(len(ids)), key=lambda n: (-float(fused[n]), ids[n]))
        kept = within_gap([float(fused[n]) for n in order], k=settings.k, gap=settings.gap, floor=floor)
        retrieved: list[Retrieved] = []
        spent = 0
        for n in order[:kept]:
            cost = estimated_tokens(found[ids[n]].text)
            if spent + cost > settings.token_budget:
                continue
            spent += cost
            retrieved.append(
                Retrieved(found[ids[n]], _similarity(scores, fused, n), f"E{len(retrieved) + 1}")
            )
        best = float(fused[order[0]]) if order else None
        return Retrieval(tuple(retrieved), revision, not retrieved, best, floor)

    def _catch_up(self, foreign: Vectors) -> Calibration:
        with self.database.reading() as session:
            self._keys.follow(session, self._row(session), self._embedders.fingerprints, foreign)
        assert self._keys.calibration is not None
        return self._keys.calibration

    def _scores(
        self, vectors: dict[Channel, Vectors], ids: Sequence[str], calibration: Calibration
    ) -> ChannelScores:
        text = self._keys.keys_of("text", ids)
        middle = type(text)(calibration.text_centred(text.vectors), text.owners)
        question = calibration.text_centred(vectors["text"])
        nothing = np.zeros((0, 1), dtype=np.float32)
        image = vectors.get("image", nothing)
        return ChannelScores(
            text=best_by_owner(question, middle, calibration.text, len(ids)),
            image=best_by_owner(image, self._keys.keys_of("image", ids), calibration.image, len(ids)),
            caption=best_by_owner(image, self._keys.keys_of("caption", ids), calibration.caption, len(ids)),
        )

    def _floor(self, settings: RetrievalSettings, vectors: dict[Channel, Vectors]) -> float:
        if settings.min_similarity is not None:
            return settings.min_similarity
        if "image" in vectors:
            return chance_threshold(len(self._keys.experiences), channels=2)
        return self._keys.foreign_threshold

    # -- changing

    async def apply(
        self,
        changes: Sequence[Change],
        occasion: Occasion,
        *,
        base_revision: int | None = None,
        images: Sequence[Image] = (),
    ) -> Applied:
        """Makes the changes in one transaction, revision + 1; the same batch of a job is applied once only.

        What touches an experience changed since `base_revision` (default: now) is skipped and told in the result.
        """
        return await asyncio.to_thread(self._apply, changes, occasion, base_revision, images)

    def _apply(
        self, changes: Sequence[Change], occasion: Occasion, base: int | None, images: Sequence[Image]
    ) -> Applied:
        with self.database.writing() as session:
            row = self._row(session)
            if occasion.job_id and (done := _already(session, occasion)):
                return Applied.from_report(done.revision, done.report)
            store_images(session, row.project_id, images)
            project_id, base = row.project_id, row.revision if base is None else base
        wanted = {key for change in changes for key in (*change.keys, *_wording(change))}
        with self.database.reading() as session:
            hashes = sorted({key.image_sha256 for key in wanted if key.kind == "image"})
            pictures = {i.sha256: i for i in load_images(session, project_id, hashes)}
        vectors = embed_keys(sorted(wanted, key=repr), pictures, self._embedders)
        with self.database.writing() as session:
            row = self._row(session)
            if occasion.job_id and (done := _already(session, occasion)):
                return Applied.from_report(done.revision, done.report)
            applied = Writer(session, row, base).apply(changes, occasion)
            store_embeddings(session, row, vectors)
        return applied

    # -- comparing

    async def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """The bank's text vectors of these texts, as for storing and querying alike; shape (n, dimension)."""
        return await asyncio.to_thread(self._embedders.text.embed_texts, texts)

    async def would_find(self, question: Question, when_to_use: str, settings: RetrievalSettings) -> bool:
        """Whether an experience with this `when_to_use` as its only key would be among those shown for the question."""
        return await asyncio.to_thread(self._would_find, question, when_to_use, settings)

    def _would_find(self, question: Question, when_to_use: str, settings: RetrievalSettings) -> bool:
        rivals = self._retrieve(question, settings, set(), {"active"}, None)
        wording = self._embedders.text.embed_texts([when_to_use])
        asked = self._embedders.embed_question(question)
        with self._lock:
            calibration = self._catch_up(foreign_questions(self._embedders.text))
            cosine = calibration.text_centred(wording) @ calibration.text_centred(asked["text"]).T
            here = float(calibration.text.calibrated(cosine)[0, 0])
            floor = self._floor(settings, {"text": asked["text"]})
        better = [r.similarity.text or 0.0 for r in rivals.retrieved if (r.similarity.text or 0.0) > here]
        within = not better or here >= max(better) - settings.gap
        return here >= floor and len(better) < settings.k and within

    def index_health(self) -> dict[str, int]:
        """Revision of store and index, the lag between them, and the keys held."""
        with self.database.reading() as session:
            store = self._row(session).revision
        with self._lock:
            return {
                "store_revision": store,
                "index_revision": self._keys.revision,
                "revision_lag": store - max(self._keys.revision, 0),
                "keys": len(self._keys),
            }


def _already(session: Session, occasion: Occasion) -> RevisionRow | None:
    return session.scalar(
        select(RevisionRow).where(
            RevisionRow.job_id == occasion.job_id,
            RevisionRow.epoch == occasion.epoch,
            RevisionRow.batch == occasion.batch,
            RevisionRow.reason == occasion.reason,
        )
    )


def _wording(change: Change) -> tuple[Key, ...]:
    match change.operation:
        case Add() | Rewrite() | Merge():
            return (Key("when_to_use", change.operation.when_to_use),)
        case _:
            return ()


def _similarity(scores: ChannelScores, fused: np.ndarray, n: int) -> Similarity:
    def given(value: np.float32) -> float | None:
        return None if np.isnan(value) else float(value)

    return Similarity(
        float(fused[n]), given(scores.text[n]), given(scores.image[n]), given(scores.caption[n])
    )
