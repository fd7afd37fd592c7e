"""The Bank: experiences in the store and their vectors in an index, kept in step; the one door for the flows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from index.protocols import ImageEmbedder, TextEmbedder, VectorIndex, Vectors
from ted.bank.changes import Applied, Change, Edit, Occasion
from ted.bank.database import Database
from ted.bank.demonstrations import Demonstrations
from ted.bank.embedding import (
    Embedders,
    QuestionVectors,
    by_channel,
    embed_keys,
    store_embeddings,
)
from ted.bank.mismatch import check_embedders
from ted.bank.retriever import GUEST, Guest, Retriever
from ted.bank.rows import MOST_KEYS, load_images, store_images
from ted.bank.stored import StoredBank, revision_of
from ted.bank.uniting import with_parents_keys
from ted.bank.writer import Writer
from ted.errors import BadInput, Reembedded
from ted.experience import Experience, Key, Retrieval
from ted.operations import Add, Merge, Rewrite
from ted.sample import Image, Question
from ted.settings import RetrievalSettings
from ted.tokens import estimated_tokens
from ted.tracing import span

T = TypeVar("T")


class Bank(StoredBank):
    """One bank, open in this process. Its async methods may be called concurrently; SQL commits first.

    Where it was re-embedded meanwhile, it goes on with its new embedders, if this process has them. Without `centring`
    what its texts have in common counts, too: to measure what centring brings.
    """

    def __init__(
        self,
        bank_id: str,
        *,
        database: Database,
        text_embedder: TextEmbedder,
        image_embedder: ImageEmbedder | None,
        new_index: Callable[[int], VectorIndex],
        centring: bool = True,
    ) -> None:
        super().__init__(bank_id, database=database)
        self._centring = centring
        self._here, self._new_index = Embedders(text_embedder, image_embedder), new_index
        self._retriever, self._demonstrations = self._fitted()

    @property
    def _embedders(self) -> Embedders:
        return self._retriever.embedders

    def _fitted(self) -> tuple[Retriever, Demonstrations]:
        """What searches the bank by the embedders it has now. Raises StoreMismatch where they are not here."""
        with self.database.reading() as session:
            embedders = check_embedders(session, self._row(session), self._here)
        return (
            Retriever(
                self.id,
                database=self.database,
                embedders=embedders,
                new_index=self._new_index,
                centring=self._centring,
            ),
            Demonstrations(self.id, database=self.database, embedders=embedders),
        )

    def _following(self, work: Callable[[], T]) -> T:
        """The work; done again where the bank was re-embedded meanwhile. Raises StoreMismatch."""
        try:
            return work()
        except Reembedded:
            self._retriever, self._demonstrations = self._fitted()
            return work()

    # -- retrieving

    async def retrieve(
        self,
        question: Question,
        settings: RetrievalSettings | None = None,
        *,
        tags: Collection[str] = (),
        status: Collection[str] = ("active",),
        vectors: QuestionVectors | None = None,
        guest: Guest | None = None,
    ) -> Retrieval:
        """The experiences nearest to the question, best first, at the store's present revision.

        `tags`: only experiences that have all of them; `status`: only these. A filter never hides what matches.
        `vectors`: those of `embed_question`, where the caller has them. `guest`: as if it were in the bank.
        """
        with span("search", ted_bank_id=self.id) as traced:
            found = await asyncio.to_thread(
                self._retrieve, question, settings, set(tags), set(status), vectors, guest
            )
            traced.set_attribute("ted.retrieval.found", len(found.retrieved))
            traced.set_attribute("ted.retrieval.abstained", found.abstained)
            return found

    def _retrieve(
        self,
        question: Question,
        settings: RetrievalSettings | None,
        tags: set[str],
        status: set[str],
        vectors: QuestionVectors | None,
        guest: Guest | None,
    ) -> Retrieval:
        wanted = settings or self.record.retrieval
        return self._following(
            lambda: self._retriever.retrieve(question, wanted, tags, status, vectors, guest)
        )

    async def guest(
        self,
        when_to_use: str,
        content: str,
        keys: Sequence[Key],
        *,
        images: Sequence[Image] = (),
        replaces: Collection[str] = (),
    ) -> Guest:
        """An experience as it would be found if it were in the bank. `images`: those of its keys, where the store has
        them not yet."""
        return await asyncio.to_thread(self._guest, when_to_use, content, keys, images, replaces)

    def _guest(
        self,
        when_to_use: str,
        content: str,
        keys: Sequence[Key],
        images: Sequence[Image],
        replaces: Collection[str],
    ) -> Guest:
        wording = Key("when_to_use", when_to_use)
        every = list(dict.fromkeys([wording, *(k for k in keys if k.kind != "when_to_use")]))[:MOST_KEYS]
        pictures = {image.sha256: image for image in images}
        lacking = {k.image_sha256 for k in every if k.kind == "image"} - set(pictures)
        if lacking:
            with self.database.reading() as session:
                project_id = self._row(session).project_id
                pictures |= {i.sha256: i for i in load_images(session, project_id, sorted(lacking))}
        vectors = by_channel(embed_keys(every, pictures, self._embedders), self._embedders)
        experience = Experience(GUEST, 1, when_to_use, content, keys=tuple(every))
        return Guest(experience, vectors, frozenset(replaces))

    async def embed_question(self, question: Question) -> QuestionVectors:
        """The vectors that retrieval searches by."""
        with span("embed", ted_bank_id=self.id, ted_images=len(question.images)):
            return await asyncio.to_thread(self._embedders.embed_question, question)

    async def whole(self, question: Question, *, vectors: QuestionVectors | None = None) -> Retrieval:
        """All active experiences, by id, as they go into the prompt of mode `all`; nothing is left out of it.

        Raises BadInput where they are beyond the bank's `max_tokens`.
        """
        found = await asyncio.to_thread(
            self._following, lambda: self._retriever.everything(question, vectors)
        )
        tokens, most = (
            sum(estimated_tokens(r.experience.text) for r in found.retrieved),
            self.record.max_tokens,
        )
        if tokens > most:
            raise BadInput(
                f"the {len(found.retrieved)} active experiences have about {tokens:,} tokens, more than the "
                f"{most:,} of the bank's capacity: compress the bank, or use mode 'retrieve'"
            )
        return found

    async def demonstrated(
        self,
        question: Question,
        settings: RetrievalSettings | None = None,
        *,
        vectors: QuestionVectors | None = None,
    ) -> Retrieval:
        """The solved training samples nearest to the question, at most `k` of them within `token_budget`."""
        record = self.record
        chosen = settings or record.retrieval
        found = await asyncio.to_thread(
            lambda: self._demonstrations.nearest(
                question, k=chosen.k, token_budget=chosen.token_budget, vectors=vectors
            )
        )
        blind = 0 if self._embedders.image else len(question.images)
        return Retrieval((), record.revision, not found, images_not_searched=blind, demonstrations=found)

    # -- changing

    async def apply(
        self,
        changes: Sequence[Change],
        occasion: Occasion,
        *,
        base_revision: int | None = None,
        images: Sequence[Image] = (),
        notes: Mapping[str, Any] | None = None,
    ) -> Applied:
        """Makes the changes in one transaction, revision + 1; the same batch of a job is applied once only.

        What touches an experience changed since `base_revision` (default: now) is skipped and told in the result.
        `notes` are kept with the report of the revision.
        """
        return await asyncio.to_thread(
            self._following, lambda: self._apply(changes, occasion, base_revision, images, notes or {})
        )

    def _apply(
        self,
        changes: Sequence[Change],
        occasion: Occasion,
        base: int | None,
        images: Sequence[Image],
        notes: Mapping[str, Any],
    ) -> Applied:
        with self.database.writing() as session:
            row = self._row(session)
            if occasion.job_id and (done := revision_of(session, occasion)):
                return Applied.from_report(done.revision, done.report)
            store_images(session, row.project_id, images)
            project_id, base = row.project_id, row.revision if base is None else base
        with self.database.reading() as session:
            unions = [with_parents_keys(session, self.id, change) for change in changes]
            wanted = {key for union in unions for key in (*union.change.keys, *_wording(union.change))}
            hashes = sorted({key.image_sha256 for key in wanted if key.kind == "image"})
            pictures = {i.sha256: i for i in load_images(session, project_id, hashes)}
        embedders = self._embedders
        vectors = embed_keys(sorted(wanted, key=repr), pictures, embedders)
        changes = [union.most_distinct_first(vectors) for union in unions]
        with self.database.writing() as session:
            row = self._row(session)
            if occasion.job_id and (done := revision_of(session, occasion)):
                return Applied.from_report(done.revision, done.report)
            if not embedders.are_those_of(row):
                raise Reembedded(f"bank '{row.name}' was re-embedded meanwhile: nothing was changed")
            applied = Writer(session, row, base).apply(changes, occasion, notes)
            store_embeddings(session, row, vectors, fingerprints=embedders.fingerprints)
        return applied

    # -- comparing

    async def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """The bank's text vectors of these texts, as for storing and querying alike; shape (n, dimension)."""
        return await asyncio.to_thread(self._embedders.text.embed_texts, texts)

    async def would_find(
        self,
        question: Question,
        when_to_use: str,
        settings: RetrievalSettings,
        *,
        leaving_out: Collection[str] = (),
    ) -> bool:
        """Whether an experience with this `when_to_use` as its only key would be among those shown for the question.

        `leaving_out`: ids of experiences that it would take the place of.
        """
        return await asyncio.to_thread(
            self._following,
            lambda: self._retriever.would_find(question, when_to_use, settings, leaving_out),
        )

    async def reindex(self) -> None:
        """Builds the index anew from the store's vectors. Raises StoreMismatch where they are another embedder's."""
        await asyncio.to_thread(self._following, self._rebuild)

    def _rebuild(self) -> None:
        self._retriever.rebuild()

    def index_health(self) -> dict[str, int]:
        """Revision of store and index, the lag between them, and the keys held."""
        return self._retriever.health()


def _wording(change: Change) -> tuple[Key, ...]:
    match change.operation:
        case Add() | Rewrite() | Merge():
            return (Key("when_to_use", change.operation.when_to_use),)
        case Edit(when_to_use=str(wording)):
            return (Key("when_to_use", wording),)
        case _:
            return ()
