"""An error as its asker reads it: a page of the dashboard, or the one body of errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import Request
from starlette.responses import Response

from api.kinds import Kind
from api.problems import problem
from api.ui.admission import is_page
from api.ui.errors import error_page


def refused(
    request: Request,
    kind: Kind,
    detail: str,
    *,
    errors: Sequence[tuple[Sequence[str | int], str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response; `errors` are places in the request with what is wrong there."""
    answer = error_page if is_page(request.url.path) else problem
    return answer(request, kind, detail, errors=errors, headers=headers)
