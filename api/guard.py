"""Before every request but those for public paths: whose key it brings, and whether that has requests left."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kinds import Kind
from api.problems import problem
from api.rates import Rate
from api.scopes import OPEN, PUBLIC, Authority
from api.service import Service

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ted"'}


class Guard:
    """Gives each request its Authority, or answers it: 401 without a key that works, 429 for too many.

    `is_open`: nobody is asked for a key, and none is looked at.
    """

    def __init__(self, app: ASGIApp, *, is_open: bool) -> None:
        self._app, self._open = app, is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PUBLIC:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if self._open:
            request.state.authority = OPEN
            await self._app(scope, receive, send)
            return
        service: Service = scope["app"].state.service
        secret = secret_of(request)
        key = None if secret is None else await service.keyring.key_of(secret)
        if key is None:
            told = "no key was sent" if secret is None else "the key is not known, or works no more"
            told += ": send one as `Authorization: Bearer ...` or `X-API-Key: ...`"
            refused = problem(request, Kind(401, "invalid_api_key"), told, headers=_CHALLENGE)
            await refused(scope, receive, send)
            return
        request.state.authority = Authority.of(key)
        rates = await service.rates.use(key)
        headers = {name: value for rate in rates for name, value in rate.headers.items()}
        if exceeded := [rate for rate in rates if rate.exceeded]:
            await _too_many(request, exceeded[0], headers)(scope, receive, send)
            return
        await self._app(scope, receive, _with(headers, send) if headers else send)


def secret_of(request: Request) -> str | None:
    """What a request brings as its key."""
    if match := _BEARER.fullmatch(request.headers.get("Authorization", "").strip()):
        return match[1]
    return request.headers.get("X-API-Key") or None


def _too_many(request: Request, rate: Rate, headers: Mapping[str, str]) -> ASGIApp:
    told = (
        f"this key has used its {rate.limit} {rate.unit} of a minute: send the request again in "
        f"{math.ceil(rate.reset)} seconds"
    )
    after = {"Retry-After": str(max(1, math.ceil(rate.reset)))}
    return problem(request, Kind(429, "rate_limit_exceeded"), told, headers={**headers, **after})


def _with(headers: Mapping[str, str], send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return sending
