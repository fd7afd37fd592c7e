"""From errors to responses: one table from error class to status, over both error trees, and one body."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from api.schemas.problem import TITLES, FieldProblem, OpenAIError, Problem
from index.errors import DimensionMismatch, DuplicateId, EmbedderUnavailable, IndexingError, UnreadableImage
from ted.errors import (
    BadBankFile,
    BadImage,
    BadInput,
    BadSampleLine,
    BadSamples,
    BadSetting,
    BudgetExhausted,
    ChangedMeanwhile,
    Conflict,
    JobStopped,
    LedgerConflict,
    ModelFailure,
    ModelFileUnavailable,
    ModelRateLimited,
    ModelRefused,
    ModelRefusedRequest,
    ModelTimeout,
    NotAllowed,
    NotFound,
    RetrievalFailed,
    StoreMismatch,
    TedError,
    UnfitOutput,
    UnparsableOutput,
)

_log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"
RETRY_AFTER_SECONDS = 10
"""Where a provider limits the rate of calls and does not say for how long."""


class BadField(BadInput):
    """A field of a request cannot be used; `loc` is where it stands."""

    def __init__(self, loc: tuple[str | int, ...], problem: str) -> None:
        super().__init__(f"{'.'.join(map(str, loc[1:]))}: {problem}")
        self.errors = ((loc, problem),)


class BadInlineSamples(BadInput):
    """Samples in a request cannot be used; every bad one is told by its position and field."""

    def __init__(self, bad: BadSamples) -> None:
        items = len({error.line for error in bad.errors})
        super().__init__(
            f"{len(bad.errors)} problems in {items} of the samples: nothing was done, see `errors`"
        )
        self.errors = tuple((_place(error), error.problem) for error in bad.errors)


class BadFileSamples(BadInput):
    """Samples in an uploaded file cannot be used; the bad ones are told by their line, from 1, and field."""

    TOLD = 1_000

    def __init__(self, bad: BadSamples) -> None:
        super().__init__(str(bad))
        places = ((("file", e.line, *_parts(e.field)), e.problem) for e in bad.errors[: self.TOLD])
        self.errors: tuple[tuple[tuple[str | int, ...], str], ...] = tuple(places)


class ModelNotFound(NotFound):
    """There is no such model; `errors` tells where a request's body names it."""

    def __init__(self, message: str, *, loc: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.errors = ((loc, message),)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a class of errors is answered."""

    status: int
    code: str


TABLE: Mapping[type[Exception], Kind] = {
    BadInput: Kind(422, "invalid_input"),
    BadSamples: Kind(422, "invalid_samples"),
    BadInlineSamples: Kind(422, "invalid_samples"),
    BadFileSamples: Kind(422, "invalid_samples"),
    BadSampleLine: Kind(422, "invalid_samples"),
    BadBankFile: Kind(422, "invalid_bank_file"),
    BadImage: Kind(422, "invalid_image"),
    BadSetting: Kind(422, "invalid_setting"),
    BadField: Kind(422, "invalid_field"),
    NotFound: Kind(404, "not_found"),
    ModelNotFound: Kind(404, "model_not_found"),
    NotAllowed: Kind(403, "not_allowed"),
    Conflict: Kind(409, "conflict"),
    ChangedMeanwhile: Kind(412, "changed_meanwhile"),
    StoreMismatch: Kind(503, "store_mismatch"),
    RetrievalFailed: Kind(503, "retrieval_failed"),
    ModelFailure: Kind(502, "provider_failed"),
    ModelRefused: Kind(502, "provider_refused"),
    ModelRefusedRequest: Kind(400, "provider_refused_request"),
    ModelRateLimited: Kind(429, "provider_rate_limited"),
    ModelTimeout: Kind(504, "provider_timed_out"),
    ModelFileUnavailable: Kind(503, "model_file_unavailable"),
    UnparsableOutput: Kind(502, "provider_output_unusable"),
    UnfitOutput: Kind(502, "provider_output_unusable"),
    BudgetExhausted: Kind(409, "budget_exhausted"),
    LedgerConflict: Kind(409, "ledger_conflict"),
    TedError: Kind(500, "internal_error"),
    UnreadableImage: Kind(422, "invalid_image"),
    EmbedderUnavailable: Kind(503, "embedder_unavailable"),
    JobStopped: Kind(409, "conflict"),
    DimensionMismatch: Kind(503, "store_mismatch"),
    DuplicateId: Kind(500, "internal_error"),
    IndexingError: Kind(500, "internal_error"),
}

_HTTP_CODES = {
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
}


def kind_of(error: Exception) -> Kind:
    """The entry of the error's class, or of the nearest class above it."""
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def install(app: FastAPI) -> None:
    """Every error of the app is answered in the one body."""
    app.add_exception_handler(TedError, _ours)
    app.add_exception_handler(IndexingError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _defect)


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
        return _body(request, Kind(500, "internal_error"), _told_of_defect(request))
    return _body(request, kind_of(error), str(error), _errors_of(error))


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


def _errors_of(error: Exception) -> Sequence[tuple[Sequence[str | int], str]]:
    return (
        error.errors
        if isinstance(error, BadField | BadInlineSamples | BadFileSamples | ModelNotFound)
        else ()
    )


async def _ours(request: Request, error: Exception) -> JSONResponse:
    kind = kind_of(error)
    if kind.status >= 500:
        # A provider may say again what it was asked, or what its model wrote.
        quotes = isinstance(error, ModelFailure | UnparsableOutput)
        told = type(error).__name__ if quotes else str(error)
        _log.warning("%s %s: %s", request.method, request.url.path, told)
    headers = {}
    if isinstance(error, ModelRateLimited):
        headers["Retry-After"] = str(math.ceil(error.retry_after or RETRY_AFTER_SECONDS))
    return problem(request, kind, str(error), errors=_errors_of(error), headers=headers)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = Kind(error.status_code, _HTTP_CODES.get(error.status_code, "http_error"))
    where = f"{request.method} {request.url.path}"
    match error.status_code:
        case 404:
            return problem(request, kind, f"there is nothing at {where}: /docs lists what there is")
        case 405:
            allowed = ", ".join(_methods(request))
            told = f"{where} is not to be had: allowed here are {allowed}"
            return problem(request, kind, told, headers={"Allow": allowed})
        case 400:
            told = f"the body cannot be read as JSON in UTF-8 ({error.detail})"
            return problem(request, kind, told)
        case _:
            return problem(request, kind, error.detail, headers=error.headers)


def _methods(request: Request) -> list[str]:
    """What the path takes. Starlette's own answer is of the first route with this path only."""
    operations = request.app.openapi()["paths"]
    for one in ("[^/]+", ".+"):  # a model's name may hold slashes
        here = [p for p in operations if re.fullmatch(re.sub(r"\{\w+\}", one, p), request.url.path)]
        if here:
            break
    return sorted({method.upper() for path in here for method in operations[path]})


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        told = f"the body is no JSON: {found[0]['ctx']['error']} at character {found[0]['loc'][-1]}"
        return problem(request, Kind(400, "malformed_json"), told)
    if isinstance(error.body, bytes) and error.body:
        given = request.headers.get("Content-Type", "nothing")
        told = f"the body is said to be {given}: send JSON with Content-Type: application/json"
        return problem(request, Kind(415, "unsupported_media_type"), told)
    errors = [(_without_tags(e["loc"]), e["msg"].removeprefix("Value error, ")) for e in found]
    listed = "; ".join(f"{'.'.join(map(str, loc[1:])) or loc[0]}: {msg}" for loc, msg in errors[:3])
    more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
    return problem(request, Kind(422, "validation_failed"), listed + more, errors=errors)


async def _defect(request: Request, error: Exception) -> JSONResponse:
    """The server logs the traceback; the caller is told how to find it there."""
    return problem(request, Kind(500, "internal_error"), _told_of_defect(request))


def _told_of_defect(request: Request) -> str:
    return f"a defect of TED: see the server's log for request {request.state.request_id}"


def _openai_type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def _without_tags(loc: Sequence[str | int]) -> tuple[str | int, ...]:
    """Without the names that pydantic gives the members of a union, which the caller never wrote."""
    return tuple(part for part in loc if part not in ("<one>", "<many>"))


def _place(error: BadSampleLine) -> tuple[str | int, ...]:
    """`images[1]` of the sample at position 3 is `body, samples, 3, images, 1`."""
    return ("body", "samples", error.line, *_parts(error.field))


def _parts(field: str) -> tuple[str | int, ...]:
    parts = re.findall(r"[^.\[\]]+", field)
    return tuple(int(p) if p.isdigit() else p for p in parts)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
