"""A VectorIndex over FAISS, exact and flat. Knows ids and vectors; what they stand for is the bank's affair."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from index.ids import as_array, check_new, missing
from index.locks import ReadWriteLock
from index.protocols import Hit, Ids, Vectors
from index.ranking import check_k, ranked, similarities
from index.vectors import checked

_SPARE = 8
"""Candidates asked for beyond k, so that ties at the k-th are usually all in hand."""

_ROUNDING = 2e-5
"""What two of FAISS's float32 sums may differ by for rows that are equally similar (bounds 768 terms summed 8-wide)."""


def _faiss() -> ModuleType:
    """FAISS on one thread: its OpenMP default is ruinous on busy cores (16 ms instead of 0.5 for a flat 10k).

    Said on every call, since OpenMP keeps the number for each calling thread and a fresh one has the default.
    """
    import faiss

    faiss.omp_set_num_threads(1)
    module: ModuleType = faiss
    return module


class FaissIndex:
    """`IndexIDMap2` over `IndexFlatIP`, behind a readers-writer lock: bare FAISS crashes when searched while added to.

    FAISS proposes candidates; similarity and order are `index.ranking`'s, so ties fall as the contract says.
    """

    def __init__(self, dimension: int) -> None:
        faiss = _faiss()
        self._dimension = dimension
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._ids: set[int] = set()
        self._lock = ReadWriteLock()

    @property
    def dimension(self) -> int:
        return self._dimension

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        rows = checked(vectors, self._dimension)
        with self._lock.writing():
            check_new(ids, len(rows), present=self._ids)
            self._put(as_array(ids), rows)

    def replace(self, ids: Sequence[int], vectors: Vectors) -> None:
        rows = checked(vectors, self._dimension)
        check_new(ids, len(rows))
        array = as_array(ids)  # before the old rows go: an id beyond 64 bits raises here
        with self._lock.writing():
            self._take(ids)
            self._put(array, rows)

    def remove(self, ids: Collection[int]) -> int:
        with self._lock.writing():
            return self._take(ids)

    def search(self, vectors: Vectors, *, k: int, only: Collection[int] | None = None) -> list[list[Hit]]:
        check_k(k)
        queries = checked(vectors, self._dimension)
        with self._lock.reading():
            matching = self._ids if only is None else self._ids.intersection(only)
            if not matching or not len(queries):
                return [[] for _ in queries]
            faiss = _faiss()
            parameters = None
            if only is not None:
                parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(as_array(matching)))
            fetch = min(k + _SPARE, len(matching))
            proposed, candidates = self._index.search(queries, fetch, params=parameters)
            found = []
            for query, proposal, ids in zip(queries, proposed, candidates, strict=True):
                if fetch < len(matching) and proposal[-1] >= proposal[k - 1] - _ROUNDING:
                    # A tie may go on beyond the candidates: take everything that could be the k-th.
                    radius = float(proposal[k - 1]) - _ROUNDING
                    _, _, within = self._index.range_search(query[np.newaxis], radius, params=parameters)
                    found.append(self._ranked(within, query, k=k))
                else:
                    found.append(self._ranked(ids, query, k=k))
            return found

    def vectors(self, ids: Sequence[int]) -> Vectors:
        with self._lock.reading():
            for id in ids:
                if id not in self._ids:
                    raise missing(id)
            return self._stored(as_array(ids))

    def _ranked(self, ids: Ids, query: Vectors, *, k: int) -> list[Hit]:
        return ranked(ids, similarities(self._stored(ids), query), k=k)

    def _put(self, ids: Ids, rows: Vectors) -> None:
        _faiss()
        self._index.add_with_ids(rows, ids)
        self._ids.update(ids.tolist())

    def _take(self, ids: Collection[int]) -> int:
        there = self._ids.intersection(ids)
        if there:
            _faiss()
            self._index.remove_ids(as_array(there))
            self._ids -= there
        return len(there)

    def _stored(self, ids: Ids) -> Vectors:
        _faiss()
        rows: Vectors = self._index.reconstruct_batch(ids)
        return rows
