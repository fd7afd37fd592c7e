"""Pages of rows by keyset: after or before a cursor, in either order. What is listed is the caller's affair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import tuple_
from sqlalchemy.orm import Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: at most `limit`, after one cursor, before another; ids sort by the time they were made."""

    limit: int = 20
    after: str | None = None
    before: str | None = None
    order: Literal["asc", "desc"] = "asc"


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """A part of a list, and whether more follows in the direction that was asked for."""

    data: tuple[T, ...]
    has_more: bool


def paged(
    session: Session,
    query: Any,
    page: Page,
    *,
    by: Sequence[Any],
    decode: Callable[[str], tuple[Any, ...]] = lambda cursor: (cursor,),
) -> tuple[list[Any], bool]:
    """The rows of a page of a select, ordered by the columns `by`, and whether there are more. `decode` reads a cursor.

    With `before` and no `after` these are the rows next to the cursor, still in the order that was asked for.
    """
    key, ascending = tuple_(*by), page.order == "asc"
    if page.after is not None:
        after = tuple_(*decode(page.after))
        query = query.where(key > after if ascending else key < after)
    if page.before is not None:
        before = tuple_(*decode(page.before))
        query = query.where(key < before if ascending else key > before)
    backwards = page.before is not None and page.after is None
    upward = ascending != backwards
    query = query.order_by(*(column.asc() if upward else column.desc() for column in by))
    rows = list(session.execute(query.limit(page.limit + 1)).all())
    kept = rows[: page.limit]
    return (kept[::-1] if backwards else kept), len(rows) > page.limit
