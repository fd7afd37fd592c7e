"""Clusters of near-duplicates among vectors, by position; what to do with a cluster is the caller's affair.

Complete-link: every two in a cluster are near-duplicates of each other. Single-link chains a~b~c~d into clusters
whose ends have nothing in common (groups of at most 6 grew to 46 among 10,000).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from index.protocols import Vectors
from index.ranking import similarities
from index.vectors import checked

_BLOCK = 512  # rows of one matrix product
_BATCH = 4096  # pairs looked at between two siftings
_STEPS = 10_000  # similarities are ordered in steps of 0.0001: float32 products of equal rows differ in the last bits
_ROUNDING = 2e-5  # how far a float32 product may be from `similarities`

Positions = NDArray[np.int64]


def near_duplicates(
    vectors: Vectors, *, threshold: float, max_size: int, conflicting: Callable[[int, int], bool]
) -> list[tuple[int, ...]]:
    """Clusters of 2 to `max_size` rows, each two of cosine >= `threshold` and not `conflicting`; none shares a row.

    Grown greedily from the most similar pair on (in steps of 0.0001), ties by smaller positions. Positions ascend
    within a cluster, and clusters by their first. `conflicting(a, b)`, a < b, is symmetric, asked at most once a
    pair and only about near-duplicates. Memory grows with the pairs that reach the threshold, not with all.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}: a cosine above 0 and at most 1")
    if max_size < 2:
        raise ValueError(f"max_size is {max_size}: a cluster has at least 2 rows")
    rows = checked(vectors, vectors.shape[-1])
    apart = cache(conflicting)

    def joinable(a: int, b: int) -> bool:
        a, b = min(a, b), max(a, b)
        return bool(similarities(rows[a : a + 1], rows[b])[0] >= threshold) and not apart(a, b)

    members = [[row] for row in range(len(rows))]  # by label; a label is one of the rows in it
    label = np.arange(len(rows))
    size = np.ones(len(rows), dtype=np.int64)
    for first, second in _batches(rows, threshold):
        is_open = (label[first] != label[second]) & (size[label[first]] + size[label[second]] <= max_size)
        for a, b in zip(first[is_open].tolist(), second[is_open].tolist(), strict=True):
            kept, gone = int(label[a]), int(label[b])
            # The pair may have closed within its batch.
            if kept == gone or len(members[kept]) + len(members[gone]) > max_size:
                continue
            if all(joinable(one, other) for one in members[kept] for other in members[gone]):
                label[members[gone]] = kept
                members[kept] += members[gone]
                members[gone] = []
                size[kept] = len(members[kept])
    return sorted(tuple(sorted(cluster)) for cluster in members if len(cluster) > 1)


def _batches(rows: Vectors, threshold: float) -> Iterator[tuple[Positions, Positions]]:
    """All pairs a < b of cosine >= threshold as two arrays, most similar first, ties by smaller a, then b."""
    count = max(len(rows), 1)
    # One integer a pair, (step below 1, a, b) as digits: it sorts in place and takes 8 bytes.
    keys = np.concatenate([np.empty(0, dtype=np.int64), *_keys(rows, threshold, count)])
    keys.sort()
    for start in range(0, len(keys), _BATCH):
        pairs = keys[start : start + _BATCH] % (count * count)
        yield pairs // count, pairs % count


def _keys(rows: Vectors, threshold: float, count: int) -> Iterator[Positions]:
    for start in range(0, len(rows), _BLOCK):
        products = rows[start : start + _BLOCK] @ rows[start:].T
        first, second = np.nonzero(np.triu(products >= threshold - _ROUNDING, k=1))
        found = products[first, second]
        doubtful = np.flatnonzero(found < threshold + _ROUNDING)
        found[doubtful] = _similar(rows, start + first[doubtful], start + second[doubtful])
        near = found >= threshold
        below = _STEPS - np.rint(np.minimum(found[near], 1.0) * _STEPS).astype(np.int64)
        yield (below * count + start + first[near]) * count + start + second[near]


def _similar(rows: Vectors, first: Positions, second: Positions) -> Vectors:
    """`similarities` of pairs, in portions that keep the copies of their rows small."""
    found = np.empty(len(first), dtype=np.float32)
    for i in range(0, len(first), _BATCH):
        found[i : i + _BATCH] = similarities(rows[first[i : i + _BATCH]], rows[second[i : i + _BATCH]])
    return found
