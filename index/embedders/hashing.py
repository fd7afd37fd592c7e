"""A TextEmbedder without a model: hashed words, word pairs and letter triples. Discriminates, understands nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from index.protocols import Vectors
from index.vectors import unit


class HashingEmbedder:
    """For tests, and for trying TED out where no model can be had."""

    def __init__(self, dimension: int = 256) -> None:
        self._dimension = dimension
        self.fingerprint = f"hashing@1:{dimension}"

    @property
    def dimension(self) -> int:
        return self._dimension

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for feature in _features(text):
                number = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")
                row[(number >> 1) % self._dimension] += 1.0 if number & 1 else -1.0
        return unit(rows)


def _features(text: str) -> Iterator[str]:
    words = re.findall(r"\w+", text.casefold())
    yield from words
    yield from (f"{a} {b}" for a, b in pairwise(words))
    joined = " ".join(words)
    yield from (joined[i : i + 3] for i in range(len(joined) - 2))
