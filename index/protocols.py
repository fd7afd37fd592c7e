"""The contracts of index/: TextEmbedder, ImageEmbedder, VectorIndex and Hit. Implementations have files of their own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""float32, shape (n, dimension), C-contiguous, each row of unit length (or all zeros where there was nothing to embed)."""

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hit:
    """One id found, with its cosine in [-1, 1]."""

    id: int
    similarity: float


class TextEmbedder(Protocol):
    """Turns texts into vectors; the same text gives the same vector whatever else is in the call."""

    @property
    def fingerprint(self) -> str:
        """Names model, weights and treatment: vectors of different fingerprints are never compared."""
        ...

    @property
    def dimension(self) -> int: ...

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order; no texts give shape (0, dimension). Thread-safe."""
        ...


class ImageEmbedder(Protocol):
    """Turns images, and texts about images, into vectors of one common space (CLIP)."""

    @property
    def fingerprint(self) -> str:
        """Names model, weights and treatment: vectors of different fingerprints are never compared."""
        ...

    @property
    def dimension(self) -> int: ...

    def embed_images(self, images: Sequence[bytes]) -> Vectors:
        """One row an encoded image (PNG, JPEG, ...), in order. Raises UnreadableImage. Thread-safe."""
        ...

    def embed_captions(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in the images' space; texts longer than the model's context are cut. Thread-safe."""
        ...


class VectorIndex(Protocol):
    """Unit vectors under 64-bit ids of the caller's. Every method may be called from any thread at any time."""

    @property
    def dimension(self) -> int: ...

    def __len__(self) -> int:
        """How many ids are in it."""
        ...

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Adds rows under ids. Raises DuplicateId, DimensionMismatch, and then adds nothing."""
        ...

    def replace(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Puts rows under ids, in place of what was there, if anything was; no search sees a half of it."""
        ...

    def remove(self, ids: Collection[int]) -> int:
        """Takes ids out; those not there are ignored. Returns how many were."""
        ...

    def search(self, vectors: Vectors, *, k: int, only: Collection[int] | None = None) -> list[list[Hit]]:
        """For each row at most k hits, nearest first, ties by smaller id; an empty index gives empty lists.

        `only` restricts the search to those ids; fewer than k hits come back only where fewer ids match.
        """
        ...

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """The stored rows of these ids, in order. Raises KeyError for an id that is not there."""
        ...
