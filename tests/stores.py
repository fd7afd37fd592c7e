"""A store for a test, with everything that reads and writes it; the schema is made once a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from index.embedders.hashing import HashingEmbedder
from index.exact_index import ExactIndex
from index.protocols import ImageEmbedder, TextEmbedder, VectorIndex
from ted.bank.answers import AnswerStore
from ted.bank.bank import Bank
from ted.bank.banks import BankStore
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.calls import CallStore
from ted.bank.changes import Applied, Change, Occasion
from ted.bank.database import Database
from ted.bank.jobs import JobStore
from ted.bank.material import MaterialStore
from ted.bank.tables import Base
from ted.experience import Experience, Key
from ted.operations import Add
from ted.settings import RetrievalSettings


@dataclass(frozen=True, slots=True)
class Store:
    """An open database and its stores. Several may be open on one, as in several processes."""

    database: Database
    text_embedder: TextEmbedder
    image_embedder: ImageEmbedder | None

    @staticmethod
    def at(url: str, *, image_embedder: ImageEmbedder | None = None) -> Store:
        return Store(Database(url), HashingEmbedder(), image_embedder)

    @property
    def banks(self) -> BankStore:
        return BankStore(self.database, DEFAULT_CALLER)

    @property
    def jobs(self) -> JobStore:
        return JobStore(self.database, DEFAULT_CALLER)

    @property
    def material(self) -> MaterialStore:
        return MaterialStore(self.database)

    @property
    def calls(self) -> CallStore:
        return CallStore(self.database)

    @property
    def answers(self) -> AnswerStore:
        return AnswerStore(self.database, DEFAULT_CALLER)

    def create(self, name: str = "desk", retrieval: RetrievalSettings | None = None) -> Bank:
        """A new bank, open."""
        image = self.image_embedder.fingerprint if self.image_embedder else None
        self.banks.create(
            name,
            text_fingerprint=self.text_embedder.fingerprint,
            image_fingerprint=image,
            retrieval=retrieval,
        )
        return self.open(name)

    def open(self, name: str = "desk", new_index: Callable[[int], VectorIndex] = ExactIndex) -> Bank:
        """The bank of this name, opened anew: its index is empty until it is first asked."""
        return Bank(
            self.banks.find(name),
            database=self.database,
            text_embedder=self.text_embedder,
            image_embedder=self.image_embedder,
            new_index=new_index,
        )


BY_HAND = Occasion("by hand")


async def apply(bank: Bank, *changes: Change, base: int | None = None) -> Applied:
    """The changes, made by hand."""
    return await bank.apply(list(changes), BY_HAND, base_revision=base)


async def added(bank: Bank, when_to_use: str, content: str, *questions: str, **kept: object) -> Experience:
    """A new experience of the bank, keyed by these source questions, too."""
    before = {e.id for e in bank.experiences(status=None)}
    keys = tuple(Key("question", q) for q in questions)
    tags = kept.get("tags", ())
    assert isinstance(tags, tuple)
    await apply(bank, Change(Add(when_to_use, content), keys, tags))
    (new,) = [e for e in bank.experiences(status=None) if e.id not in before]
    return new


def everything(database: Database) -> dict[str, list[str]]:
    """All rows of all tables."""
    with database.engine.connect() as connection:
        return {
            name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for name, table in Base.metadata.tables.items()
        }
