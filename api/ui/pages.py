"""What every page of the dashboard is given: the page's bank, and which part of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from ted.bank.pages import Page, Paged

SHOWN = 20

After = Annotated[str | None, Query(max_length=300)]
Before = Annotated[str | None, Query(max_length=300)]


def newest(after: str | None, before: str | None) -> Page:
    """Newest first."""
    return Page(SHOWN, after, before, "desc")


def ways(
    path: str, page: Page, found: Paged[object], first: str | None, last: str | None, **query: str | None
) -> Mapping[str, str | None]:
    """Where the earlier and the later part of a list are; None where there is none."""
    kept = {name: value for name, value in query.items() if value}
    backwards = page.before is not None and page.after is None
    has_next = found.has_more if not backwards else True
    has_previous = page.after is not None or (backwards and found.has_more)
    return {
        "previous": f"{path}?{urlencode({**kept, 'before': first})}" if has_previous and first else None,
        "next": f"{path}?{urlencode({**kept, 'after': last})}" if has_next and last else None,
    }
