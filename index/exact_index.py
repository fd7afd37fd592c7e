"""A VectorIndex that compares with every row, in numpy: the reference that others are held to, and a fake that ships."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

import numpy as np

from index.ids import as_array, check_new, missing
from index.protocols import Hit, Vectors
from index.ranking import check_k, ranked, similarities
from index.vectors import checked


class ExactIndex:
    """Exact, and slow above a few thousand ids. One lock: it is for correctness, not for load."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._rows: dict[int, Vectors] = {}
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        return self._dimension

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        rows = checked(vectors, self._dimension)
        with self._lock:
            check_new(ids, len(rows), present=self._rows)
            self._put(ids, rows)

    def replace(self, ids: Sequence[int], vectors: Vectors) -> None:
        rows = checked(vectors, self._dimension)
        check_new(ids, len(rows))
        with self._lock:
            self._put(ids, rows)

    def remove(self, ids: Collection[int]) -> int:
        with self._lock:
            return sum(self._rows.pop(id, None) is not None for id in set(ids))

    def search(self, vectors: Vectors, *, k: int, only: Collection[int] | None = None) -> list[list[Hit]]:
        check_k(k)
        queries = checked(vectors, self._dimension)
        with self._lock:
            matching = (
                self._rows if only is None else {id: self._rows[id] for id in set(only) if id in self._rows}
            )
            ids = as_array(matching.keys())
            rows = self._stacked(list(matching.values()))
        return [ranked(ids, similarities(rows, query), k=k) for query in queries]

    def vectors(self, ids: Sequence[int]) -> Vectors:
        with self._lock:
            for id in ids:
                if id not in self._rows:
                    raise missing(id)
            return self._stacked([self._rows[id] for id in ids])

    def _put(self, ids: Sequence[int], rows: Vectors) -> None:
        # Copies: a caller may write into the array afterwards. As an array first: an id beyond 64 bits raises there.
        self._rows.update((id, row.copy()) for id, row in zip(as_array(ids).tolist(), rows, strict=True))

    def _stacked(self, rows: list[Vectors]) -> Vectors:
        return np.stack(rows) if rows else np.empty((0, self._dimension), dtype=np.float32)
