"""The ids of a call, checked at the door; what they stand for is the caller's affair."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence

import numpy as np

from index.errors import DuplicateId
from index.protocols import Ids


def as_array(ids: Collection[int]) -> Ids:
    """The ids as int64, shape (n,), in their own order."""
    return np.fromiter(ids, dtype=np.int64, count=len(ids))


def check_new(ids: Sequence[int], rows: int, *, present: Container[int] = ()) -> None:
    """Raises ValueError unless there is one id a row, DuplicateId where one is `present` or stands twice."""
    if len(ids) != rows:
        raise ValueError(f"{len(ids)} ids for {rows} vectors: pass one id a row")
    seen: set[int] = set()
    for id in ids:
        if id in seen:
            raise DuplicateId(f"id {id} stands twice in one call: pass each id once")
        if id in present:
            raise DuplicateId(f"id {id} is in the index already: replace it, or remove it first")
        seen.add(id)


def missing(id: int) -> KeyError:
    """What to raise for an id that is not there."""
    return KeyError(
        f"id {id} is not in the index: add it first, or bring the index up to date with the store"
    )
