"""Errors as pages of the dashboard, or as a part of one; which status and words they have is api/handlers' affair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import Request
from starlette.responses import HTMLResponse

from api.kinds import Kind
from api.problems import REQUEST_ID
from api.schemas.problem import TITLES
from api.ui.admission import headers_of
from api.ui.rendering import HTMX, page


def error_page(
    request: Request,
    kind: Kind,
    detail: str,
    *,
    errors: Sequence[tuple[Sequence[str | int], str]] = (),
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """The error in words, its places in the form, and the request's id."""
    template = "error_part.html" if HTMX in request.headers else "error.html"
    shown = [(_place(loc), told) for loc, told in errors]
    response = page(
        request,
        template,
        code=kind.status,
        title=TITLES.get(kind.status, "Error"),
        error=kind.code,
        detail=detail.encode("utf-8", "replace").decode(),
        errors=shown,
    )
    bound = headers_of(request.url.path)  # a defect is answered outside of the guard
    response.headers.update({**bound, REQUEST_ID: request.state.request_id, **(headers or {})})
    return response


def _place(loc: Sequence[str | int]) -> str:
    """Lines of a file are told as those of a file; all else is in the form."""
    return ".".join(map(str, loc if loc[:1] == ("file",) else loc[1:]))
