"""Banks for tests of re-embedding: one to be embedded anew, its job, and an embedder at which something happens."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from index.embedders.hashing import HashingEmbedder
from index.embedders.thumbnails import ThumbnailEmbedder
from index.protocols import ImageEmbedder, TextEmbedder, Vectors
from ted.bank.bank import Bank
from ted.bank.changes import Change
from ted.bank.database import Database
from ted.bank.embedding import Embedders
from ted.bank.stored import StoredBank
from ted.bank.tables import EmbeddingRow
from ted.experience import Key
from ted.jobs.reembedding import ReembeddingRunner
from ted.operations import Add
from ted.sample import Image
from tests.drawings import COLOURS, draw
from tests.stores import BY_HAND, Store

COUNT = 40
"""Experiences of the bank, each with a question: more keys than are embedded in one go."""

OLD, NEW = "hashing@1:256", "hashing@1:64"


def picture(number: int) -> Image:
    """A drawing of its own for each number."""
    colour = list(COLOURS)[number % len(COLOURS)]
    data = draw(colour, "circle", seed=number)
    return Image(hashlib.sha256(data).hexdigest(), "image/png", data)


async def fill(bank: Bank, *, count: int = COUNT, drawn: int = 0) -> None:
    """So many experiences, the first of them with a drawing as a key."""
    images = [picture(n) for n in range(drawn)]
    changes = []
    for n in range(count):
        keys = [Key("question", f"What about the case {n} of the {n % 7} kind?")]
        keys += [Key("image", image_sha256=images[n].sha256)] if n < drawn else []
        changes.append(Change(Add(f"Situation {n} comes up", f"Do thing {n}."), tuple(keys)))
    await bank.apply(changes, BY_HAND, images=images)


@dataclass
class Watched:
    """An embedder of 64 dimensions; `then` is called before its `at`-th call, and it counts its texts."""

    at: int = 0
    then: Callable[[], None] = lambda: None
    embedded: list[str] = field(default_factory=list)
    calls: int = 0
    inner: TextEmbedder = field(default_factory=lambda: HashingEmbedder(64))

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    @property
    def dimension(self) -> int:
        return self.inner.dimension

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        if self.calls == self.at:
            self.then()
        self.embedded += texts
        return self.inner.embed_texts(texts)


def runner_of(
    store: Store, bank: StoredBank, text: TextEmbedder, *, pictured: bool = False
) -> ReembeddingRunner:
    """Brings the bank to this text embedder, and to thumbnails or none of images."""
    images: ImageEmbedder | None = ThumbnailEmbedder() if pictured else None
    return ReembeddingRunner(
        StoredBank(bank.id, database=store.database), embedders=Embedders(text, images), jobs=store.jobs
    )


def vectors(database: Database) -> set[tuple[int, str, bytes]]:
    """All that are in the store."""
    e = EmbeddingRow
    with database.reading() as session:
        return set(session.execute(select(e.key_id, e.fingerprint, e.vector)).tuples())
