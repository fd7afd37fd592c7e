"""The one body of errors, as a response; which status and code it has is api/kinds', who sends it api/handlers'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse

from api.kinds import Kind, kind_of
from api.refusals import BadField, BadFileSamples, BadInlineSamples, ModelNotFound
from api.schemas.problem import TITLES, FieldProblem, OpenAIError, Problem
from index.errors import IndexingError
from ted.errors import TedError

REQUEST_ID = "X-Request-ID"


def problem(
    request: Request,
    kind: Kind,
    detail: str,
    *,
    errors: Sequence[tuple[Sequence[str | int], str]] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """The response; `more` are members of its own kind, as RFC 9457 allows."""
    body = _body(request, kind, detail, errors)
    return JSONResponse(
        body.model_dump() | dict(more or {}),
        kind.status,
        headers={REQUEST_ID: body.request_id, **(headers or {})},
        media_type="application/problem+json",
    )


def problem_body(request: Request, error: Exception) -> Problem:
    """The one body, where a response has begun already."""
    if not isinstance(error, TedError | IndexingError):
        return _body(request, Kind(500, "internal_error"), told_of_defect(request))
    return _body(request, kind_of(error), str(error), errors_of(error))


def _body(
    request: Request, kind: Kind, detail: str, errors: Sequence[tuple[Sequence[str | int], str]] = ()
) -> Problem:
    fields = [FieldProblem(loc=list(loc), msg=_encodable(msg)) for loc, msg in errors]
    return Problem(
        type=f"urn:ted:problem:{kind.code}",
        title=TITLES.get(kind.status, "Error"),
        status=kind.status,
        detail=_encodable(detail),
        code=kind.code,
        request_id=request.state.request_id,
        errors=fields,
        error=OpenAIError(
            message=_encodable(detail),
            type=_openai_type(kind.status),
            param=".".join(map(str, fields[0].loc[1:])) or None if fields else None,
            code=kind.code,
        ),
    )


def errors_of(error: Exception) -> Sequence[tuple[Sequence[str | int], str]]:
    """Places in the request that an error names, with what is wrong there."""
    return (
        error.errors
        if isinstance(error, BadField | BadInlineSamples | BadFileSamples | ModelNotFound)
        else ()
    )


def told_of_defect(request: Request) -> str:
    """How the caller finds it in the log; nothing of the defect itself."""
    return f"a defect of TED: see the server's log for request {request.state.request_id}"


def _openai_type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
