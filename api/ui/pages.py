"""Lists on pages of the dashboard: which part is shown, and where the parts before and after it are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from ted.bank.pages import Page

SHOWN = 20

After = Annotated[str | None, Query(max_length=300)]
Before = Annotated[str | None, Query(max_length=300)]


def newest(after: str | None, before: str | None) -> Page:
    """Newest first."""
    return Page(SHOWN, after, before, "desc")


def ways(
    path: str, page: Page, ids: Sequence[str], *, has_more: bool, **query: str | None
) -> Mapping[str, str | None]:
    """Where the parts before and after this one, which has these ids, are; None where there is none."""
    kept = {name: value for name, value in query.items() if value}
    backwards = page.before is not None and page.after is None
    has_next = backwards or has_more
    has_previous = page.after is not None or (backwards and has_more)
    return {
        "previous": f"{path}?{urlencode({**kept, 'before': ids[0]})}" if has_previous and ids else None,
        "next": f"{path}?{urlencode({**kept, 'after': ids[-1]})}" if has_next and ids else None,
    }
