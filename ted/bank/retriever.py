"""Finds the experiences nearest to a question: embeds, searches by raw cosine, judges by calibrated similarity.

What is in the bank, and what happens to what was found, is ted/bank/bank's affair.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy.orm import Session

from index.protocols import VectorIndex, Vectors
from ted.bank.database import Database
from ted.bank.embedding import Embedders, QuestionVectors
from ted.bank.foreign import foreign_questions
from ted.bank.key_index import Channel, KeyIndex
from ted.bank.ranking import Ranking
from ted.bank.scoring import (
    Calibration,
    ChannelScores,
    Keys,
    best_by_owner,
    visual_threshold,
)
from ted.bank.tables import BankRow
from ted.errors import NotFound, Reembedded
from ted.experience import Experience, Retrieval, Retrieved
from ted.sample import Question
from ted.settings import RetrievalSettings
from ted.tokens import estimated_tokens

FETCH_FACTOR = 16
LEAST_FETCH = 64
"""Keys fetched by raw cosine in each channel before exact scoring: FETCH_FACTOR * k, and no fewer than this."""


GUEST = "guest"
"""The id of an experience that is not in the bank."""


@dataclass(frozen=True, slots=True)
class Guest:
    """An experience with the vectors of its keys by channel, to be found as if it were in the bank and active.

    `replaces`: ids of those that would not be there then.
    """

    experience: Experience
    vectors: dict[Channel, Vectors]
    replaces: frozenset[str] = frozenset()


def bank_row(session: Session, bank_id: str) -> BankRow:
    """The bank as the store has it now. Raises NotFound."""
    row = session.get(BankRow, bank_id, populate_existing=True)
    if row is None:
        raise NotFound(f"bank {bank_id} is gone: list the banks with `ted bank list`")
    return row


class Retriever:
    """The vectors of one bank and the search among them; each search first follows the store. Thread-safe."""

    def __init__(
        self,
        bank_id: str,
        *,
        database: Database,
        embedders: Embedders,
        new_index: Callable[[int], VectorIndex],
        centring: bool = True,
    ) -> None:
        self._centring = centring
        self._bank_id, self._database, self.embedders = bank_id, database, embedders
        self._lock = threading.Lock()
        self._new_index = new_index
        self._keys = self._nothing()

    def _nothing(self) -> KeyIndex:
        image = self.embedders.image
        return KeyIndex(
            text_dimension=self.embedders.text.dimension,
            image_dimension=image.dimension if image else None,
            new_index=self._new_index,
            centring=self._centring,
        )

    def rebuild(self) -> None:
        """Another index in the place of this one, which is searched until then."""
        foreign, fresh = foreign_questions(self.embedders.text), self._nothing()
        self._follow(fresh, foreign)
        with self._lock:
            self._keys = fresh

    def retrieve(
        self,
        question: Question,
        settings: RetrievalSettings,
        tags: set[str],
        status: set[str],
        vectors: QuestionVectors | None = None,
        guest: Guest | None = None,
    ) -> Retrieval:
        vectors = vectors or self.embedders.embed_question(question)
        fetch = max(LEAST_FETCH, FETCH_FACTOR * settings.k)
        with self._ranking(vectors, tags, status, fetch, guest) as ranking:
            floor, revision = self._floor(settings, vectors), self._keys.revision
        retrieved: list[Retrieved] = []
        spent = 0
        for n in ranking.chosen(settings, floor):
            cost = estimated_tokens(ranking.found[n].text)
            if spent + cost > settings.token_budget:
                continue
            spent += cost
            retrieved.append(ranking.retrieved(n, f"E{len(retrieved) + 1}"))
        blind = 0 if self.embedders.image else len(question.images)
        return Retrieval(tuple(retrieved), revision, not retrieved, ranking.best, floor, blind)

    def everything(self, question: Question, vectors: QuestionVectors | None = None) -> Retrieval:
        """All active experiences by id, so that the prompt's prefix stays the same; similar or not."""
        vectors = vectors or self.embedders.embed_question(question)
        with self._ranking(vectors, set(), {"active"}, None) as ranking:
            revision = self._keys.revision
        by_id = sorted(range(len(ranking.found)), key=lambda n: ranking.found[n].id)
        retrieved = tuple(ranking.retrieved(n, f"E{place}") for place, n in enumerate(by_id, 1))
        blind = 0 if self.embedders.image else len(question.images)
        return Retrieval(retrieved, revision, False, ranking.best, 0.0, blind)

    @contextmanager
    def _ranking(
        self,
        vectors: QuestionVectors,
        tags: set[str],
        status: set[str],
        fetch: int | None,
        guest: Guest | None = None,
    ) -> Iterator[Ranking]:
        """Of the `fetch` nearest keys a channel (None: of all) at the store's revision, which holds while it is open."""
        foreign = foreign_questions(self.embedders.text)
        with self._lock:
            calibration = self._catch_up(foreign)
            absent = guest.replaces if guest else frozenset()
            among = [
                e.id
                for e in self._keys.experiences.values()
                if e.status in status and tags <= set(e.tags) and e.id not in absent
            ]
            only = None if len(among) == len(self._keys.experiences) else among
            ids = among if fetch is None else self._keys.candidates(vectors, fetch=fetch, among=only)
            ids = sorted(ids)
            found = [self._keys.experiences[i] for i in ids]
            if guest is not None:
                found.append(guest.experience)
            text = self._keys_of("text", ids, guest)
            middle = Keys(calibration.text_centred(text.vectors), text.owners)
            scores = self._scores(vectors, ids, middle, calibration, guest)
            yield Ranking(found, scores, scores.fused(), middle, calibration)

    def _catch_up(self, foreign: Vectors) -> Calibration:
        self._follow(self._keys, foreign)
        assert self._keys.calibration is not None
        return self._keys.calibration

    def _follow(self, keys: KeyIndex, foreign: Vectors) -> None:
        with self._database.reading() as session:
            row = bank_row(session, self._bank_id)
            if not self.embedders.are_those_of(row):
                raise Reembedded(f"bank '{row.name}' has other embedders by now: ask it again")
            keys.follow(session, row, self.embedders.fingerprints, foreign)

    def _keys_of(self, channel: Channel, ids: Sequence[str], guest: Guest | None) -> Keys:
        """Of these experiences, and of the guest behind them."""
        keys = self._keys.keys_of(channel, ids)
        rows = guest.vectors.get(channel) if guest else None
        if rows is None or not len(rows):
            return keys
        vectors = np.concatenate([keys.vectors, rows]) if len(keys.owners) else rows
        return Keys(vectors, np.concatenate([keys.owners, np.full(len(rows), len(ids))]))

    def _scores(
        self,
        vectors: dict[Channel, Vectors],
        ids: Sequence[str],
        middle: Keys,
        calibration: Calibration,
        guest: Guest | None,
    ) -> ChannelScores:
        owners = len(ids) + (guest is not None)
        question = calibration.text_centred(vectors["text"])
        nothing = np.zeros((0, 1), dtype=np.float32)
        image = vectors.get("image", nothing)
        return ChannelScores(
            text=best_by_owner(question, middle, calibration.text, owners),
            image=best_by_owner(image, self._keys_of("image", ids, guest), calibration.image, owners),
            caption=best_by_owner(image, self._keys_of("caption", ids, guest), calibration.caption, owners),
        )

    def _floor(self, settings: RetrievalSettings, vectors: dict[Channel, Vectors]) -> float:
        if settings.min_similarity is not None:
            return settings.min_similarity
        if "image" in vectors:
            assert self._keys.calibration is not None
            return visual_threshold(len(self._keys.experiences), self._keys.calibration)
        return self._keys.foreign_threshold

    def would_find(
        self, question: Question, when_to_use: str, settings: RetrievalSettings, leaving_out: Collection[str]
    ) -> bool:
        everything = replace(settings, gap=2.0, min_similarity=-2.0, token_budget=sys.maxsize)
        wide = replace(everything, k=min(50, settings.k + len(leaving_out)))
        found = self.retrieve(question, wide, set(), {"active"}).retrieved
        rivals = [r.similarity.text or 0.0 for r in found if r.experience.id not in leaving_out]
        wording = self.embedders.text.embed_texts([when_to_use])
        asked = self.embedders.embed_question(question)
        with self._lock:
            calibration = self._catch_up(foreign_questions(self.embedders.text))
            cosine = calibration.text_centred(wording) @ calibration.text_centred(asked["text"]).T
            here = float(calibration.text.calibrated(cosine)[0, 0])
            floor = self._floor(settings, {"text": asked["text"]})
        better = [rival for rival in rivals if rival > here]
        within = not better or here >= max(better) - settings.gap
        return here >= floor and len(better) < settings.k and within

    def health(self) -> dict[str, int]:
        """Revision of store and index, the lag between them, and the keys held."""
        with self._database.reading() as session:
            store = bank_row(session, self._bank_id).revision
        with self._lock:
            return {
                "store_revision": store,
                "index_revision": self._keys.revision,
                "revision_lag": store - max(self._keys.revision, 0),
                "keys": len(self._keys),
            }
