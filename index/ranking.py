"""The one order of hits, and the one arithmetic of a similarity; who is ranked is the index's affair.

FAISS sums in float32, in an order that depends on machine and batch; what is compared, tied or cut at a threshold
goes through `similarities` instead, so that equal rows are equally similar whoever finds them.
"""

from __future__ import annotations

import numpy as np

from index.protocols import Hit, Ids, Vectors

_BLOCK = 4096  # rows widened to float64 at a time


def similarities(rows: Vectors, others: Vectors) -> Vectors:
    """Cosine of each row, shape (n, dimension), with `others` (one row, or one for each); shape (n,), in [-1, 1].

    Summed in float64 row by row: the result depends on the two rows alone, not on their neighbours.
    """
    if len(rows) > _BLOCK:
        return np.concatenate(
            [
                similarities(rows[i : i + _BLOCK], others if others.ndim == 1 else others[i : i + _BLOCK])
                for i in range(0, len(rows), _BLOCK)
            ]
        )
    # Not a matrix product: BLAS sums the rows at a block's edge in another order.
    found: Vectors = np.vecdot(rows.astype(np.float64), others.astype(np.float64)).astype(np.float32)
    return np.clip(found, -1.0, 1.0, out=found)


def ranked(ids: Ids, found: Vectors, *, k: int) -> list[Hit]:
    """The k nearest as hits, ties by smaller id; `found` are the similarities of `ids`, both of shape (n,)."""
    order = np.lexsort((ids, -found))[:k]
    return [
        Hit(id, similarity) for id, similarity in zip(ids[order].tolist(), found[order].tolist(), strict=True)
    ]


def check_k(k: int) -> None:
    """Raises ValueError for a k that asks for nothing."""
    if k <= 0:
        raise ValueError(f"k is {k}: ask for at least 1 hit")
