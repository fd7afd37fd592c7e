"""The vectors of one bank in memory, following the store's revision. The store is the truth, this is a cache of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from index.protocols import Hit, VectorIndex, Vectors
from index.vectors import from_bytes
from ted.bank.rows import experiences_of
from ted.bank.scoring import Calibration, Keys, calibrate, foreign_threshold
from ted.bank.tables import BankRow, EmbeddingRow, ExperienceRow, KeyRow
from ted.errors import StoreMismatch
from ted.experience import Experience

Channel = Literal["text", "image", "caption"]
CHANNELS: tuple[Channel, ...] = ("text", "image", "caption")
SERVED = ("active", "candidate")


@dataclass(frozen=True, slots=True)
class KeyVector:
    """A key's id, the channel its vector belongs to, and the vector."""

    id: int
    channel: Channel
    vector: Vectors


class KeyIndex:
    """Three vector indexes of one bank, and whose the keys in them are. Not thread-safe: its Bank holds a lock."""

    def __init__(
        self,
        *,
        text_dimension: int,
        image_dimension: int | None,
        new_index: Callable[[int], VectorIndex],
        centring: bool = True,
    ) -> None:
        self._centring = centring
        self._indexes: dict[Channel, VectorIndex] = {"text": new_index(text_dimension)}
        if image_dimension is not None:
            self._indexes |= {"image": new_index(image_dimension), "caption": new_index(image_dimension)}
        self.revision = -1
        self.experiences: dict[str, Experience] = {}
        self._owner: dict[Channel, dict[int, str]] = {channel: {} for channel in CHANNELS}
        self._keys: dict[str, list[tuple[Channel, int]]] = {}
        self.calibration: Calibration | None = None
        self.foreign_threshold = 0.0

    def follow(self, session: Session, bank: BankRow, fingerprints: Sequence[str], foreign: Vectors) -> None:
        """Brings the index to the store's revision: what changed since is taken out and, if served, put back in.

        A store that went back (restored from a copy) cannot tell what changed: then all is built anew.
        """
        if bank.revision == self.revision:
            return
        if bank.revision < self.revision:
            for known in list(self.experiences):
                self._take_out(known)
            self.revision = -1
        changed = session.scalars(
            select(ExperienceRow)
            .where(ExperienceRow.bank_id == bank.id, ExperienceRow.updated_revision > self.revision)
            .order_by(ExperienceRow.id)
        ).all()
        for experience in experiences_of(session, changed):
            self._take_out(experience.id)
            if experience.status in SERVED:
                self._put_in(experience, self._vectors_of(session, experience.id, fingerprints))
        self.revision = bank.revision
        self.calibration = calibrate(
            *(self.keys_of(channel) for channel in CHANNELS), centring=self._centring
        )
        self.foreign_threshold = foreign_threshold(foreign, self.keys_of("text"), self.calibration)

    def _take_out(self, experience_id: str) -> None:
        self.experiences.pop(experience_id, None)
        for channel, key in self._keys.pop(experience_id, []):
            self._indexes[channel].remove([key])
            del self._owner[channel][key]

    def _put_in(self, experience: Experience, vectors: Iterable[KeyVector]) -> None:
        self.experiences[experience.id] = experience
        for key in vectors:
            self._indexes[key.channel].add([key.id], key.vector[None, :])
            self._owner[key.channel][key.id] = experience.id
            self._keys.setdefault(experience.id, []).append((key.channel, key.id))

    def _vectors_of(
        self, session: Session, experience_id: str, fingerprints: Sequence[str]
    ) -> list[KeyVector]:
        rows: Sequence[Any] = session.execute(
            select(KeyRow, EmbeddingRow)
            .outerjoin(
                EmbeddingRow,
                (EmbeddingRow.key_id == KeyRow.id) & EmbeddingRow.fingerprint.in_(fingerprints),
            )
            .where(KeyRow.experience_id == experience_id)
            .order_by(KeyRow.id)
        ).all()
        found = []
        for key, embedding in rows:
            if embedding is None and key.kind != "image":
                raise StoreMismatch(
                    f"key {key.id} of {experience_id} has no vector by {' or '.join(repr(f) for f in fingerprints)}, "
                    "the embedders of the bank: embed it anew with `ted reembed`"
                )
            if embedding is None:
                continue  # an image, in a bank of texts
            is_text = embedding.fingerprint == fingerprints[0]
            channel: Channel = "text" if is_text else "image" if key.kind == "image" else "caption"
            vector = from_bytes(embedding.vector, self._indexes[channel].dimension)
            found.append(KeyVector(key.id, channel, vector))
        return found

    def candidates(
        self, vectors: dict[Channel, Vectors], *, fetch: int, among: Collection[str] | None
    ) -> set[str]:
        """The experiences of the `fetch` keys nearest by raw cosine in each channel, among those ids if given."""
        found: set[str] = set()
        for channel, rows in vectors.items():
            if channel not in self._indexes or not len(rows):
                continue
            only = None
            if among is not None:
                only = [key for i in among for c, key in self._keys.get(i, []) if c == channel]
            hits: list[list[Hit]] = self._indexes[channel].search(rows, k=fetch, only=only)
            found |= {self._owner[channel][hit.id] for row in hits for hit in row}
        return found

    def keys_of(
        self,
        channel: Channel,
        experience_ids: Sequence[str] | None = None,
    ) -> Keys:
        """The keys of these experiences (all of them where None) in one channel, owners numbered in their order."""
        ids = sorted(self.experiences) if experience_ids is None else experience_ids
        pairs = [
            (key, number) for number, i in enumerate(ids) for c, key in self._keys.get(i, []) if c == channel
        ]
        if channel not in self._indexes:
            return Keys(np.zeros((0, 1), dtype=np.float32), np.zeros(0, dtype=np.int64))
        vectors = self._indexes[channel].vectors([key for key, _ in pairs])
        return Keys(vectors, np.asarray([number for _, number in pairs], dtype=np.int64))

    def __len__(self) -> int:
        """How many keys are in it, over all channels."""
        return sum(len(i) for i in self._indexes.values())
