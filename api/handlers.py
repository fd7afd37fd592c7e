"""From raised errors to responses: what the app does with every error, its own and the framework's."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.kinds import Kind, kind_of
from api.problems import errors_of, told_of_defect
from api.refusing import refused
from index.errors import IndexingError
from ted.errors import ModelFailure, ModelRateLimited, TedError, UnparsableOutput

_log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 10
"""Where a provider limits the rate of calls and does not say for how long."""

_HTTP_CODES = {
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
}


def install(app: FastAPI) -> None:
    """Every error of the app is answered in the one body."""
    app.add_exception_handler(TedError, _ours)
    app.add_exception_handler(IndexingError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _defect)


async def _ours(request: Request, error: Exception) -> Response:
    kind = kind_of(error)
    if kind.status >= 500:
        # A provider may say again what it was asked, or what its model wrote.
        quotes = isinstance(error, ModelFailure | UnparsableOutput)
        told = type(error).__name__ if quotes else str(error)
        _log.warning("%s %s: %s", request.method, request.url.path, told)
    headers = {}
    if isinstance(error, ModelRateLimited):
        headers["Retry-After"] = str(math.ceil(error.retry_after or RETRY_AFTER_SECONDS))
    return refused(request, kind, str(error), errors=errors_of(error), headers=headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = Kind(error.status_code, _HTTP_CODES.get(error.status_code, "http_error"))
    where = f"{request.method} {request.url.path}"
    match error.status_code:
        case 404:
            return refused(request, kind, f"there is nothing at {where}: /docs lists what there is")
        case 405:
            allowed = ", ".join(
                await asyncio.to_thread(_methods, request)
            )  # the document may have to be made
            allowed = allowed or (error.headers or {}).get("Allow", "")  # pages are not in it
            told = f"{where} is not to be had: allowed here are {allowed}"
            return refused(request, kind, told, headers={"Allow": allowed})
        case 400:
            told = f"the body cannot be read as JSON in UTF-8 ({error.detail})"
            return refused(request, kind, told)
        case _:
            return refused(request, kind, error.detail, headers=error.headers)


def _methods(request: Request) -> list[str]:
    """What the path takes. Starlette's own answer is of the first route with this path only."""
    operations = request.app.openapi()["paths"]
    for one in ("[^/]+", ".+"):  # a model's name may hold slashes
        here = [p for p in operations if re.fullmatch(re.sub(r"\{\w+\}", one, p), request.url.path)]
        if here:
            break
    return sorted({method.upper() for path in here for method in operations[path]})


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        told = f"the body is no JSON: {found[0]['ctx']['error']} at character {found[0]['loc'][-1]}"
        return refused(request, Kind(400, "malformed_json"), told)
    if isinstance(error.body, bytes) and error.body:
        given = request.headers.get("Content-Type", "nothing")
        told = f"the body is said to be {given}: send JSON with Content-Type: application/json"
        return refused(request, Kind(415, "unsupported_media_type"), told)
    errors = [(_without_tags(e["loc"]), e["msg"].removeprefix("Value error, ")) for e in found]
    listed = "; ".join(f"{'.'.join(map(str, loc[1:])) or loc[0]}: {msg}" for loc, msg in errors[:3])
    more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
    return refused(request, Kind(422, "validation_failed"), listed + more, errors=errors)


async def _defect(request: Request, error: Exception) -> Response:
    """The server logs the traceback; the caller is told how to find it there."""
    return refused(request, Kind(500, "internal_error"), told_of_defect(request))


def _without_tags(loc: Sequence[str | int]) -> tuple[str | int, ...]:
    """Without the names that pydantic gives the members of a union, which the caller never wrote."""
    return tuple(part for part in loc if part not in ("<one>", "<many>"))
