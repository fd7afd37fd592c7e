"""Before every request but those for public paths: whose key it brings, and whether that has requests left."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kinds import Kind
from api.rates import Rate
from api.refusing import refused
from api.scopes import OPEN, PUBLIC, Authority
from api.service import Service
from api.ui.admission import ROOT, SIGN_IN, STATIC, headers_of, is_ours, is_page, to_sign_in, token_of
from ted.bank.keys import Key

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ted"'}
_READING = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Gives each request its Authority, or answers it: 401 without a key that works, 429 for too many.

    Pages of the dashboard are for who has signed in, and change nothing for a page of another site; a session is worth
    nothing elsewhere. `is_open`: nobody is asked for a key, and none is looked at.
    """

    def __init__(self, app: ASGIApp, *, is_open: bool) -> None:
        self._app, self._open = app, is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PUBLIC:
            await self._app(scope, receive, send)
        elif is_page(scope["path"]):
            await self._page(Request(scope), receive, _with(headers_of(scope["path"]), send))
        elif self._open:
            await self._for_everybody(Request(scope), receive, send)
        else:
            await self._call(Request(scope), receive, send)

    async def _call(self, request: Request, receive: Receive, send: Send) -> None:
        secret = secret_of(request)
        key = None if secret is None else await _service(request).keyring.key_of(secret)
        if key is None:
            told = "no key was sent" if secret is None else "the key is not known, or works no more"
            told += ": send one as `Authorization: Bearer ...` or `X-API-Key: ...`"
            answer = refused(request, Kind(401, "invalid_api_key"), told, headers=_CHALLENGE)
            await answer(request.scope, receive, send)
            return
        await self._counted(request, key, receive, send)

    async def _page(self, request: Request, receive: Receive, send: Send) -> None:
        path = request.scope["path"]
        if path.startswith(STATIC):
            await self._app(request.scope, receive, send)
        elif request.method not in _READING and not is_ours(request):
            told = "the request was not made by a page of this server: open the dashboard and try there"
            await refused(request, Kind(403, "cross_site"), told)(request.scope, receive, send)
        elif self._open and path == SIGN_IN:
            request.scope["path"] = ROOT  # nobody needs to sign in
            await self._for_everybody(request, receive, send)
        elif self._open:
            await self._for_everybody(request, receive, send)
        elif path == SIGN_IN:
            await self._app(request.scope, receive, send)
        else:
            token = token_of(request)
            key = None if token is None else await _service(request).keyring.key_of_session(token)
            if key is None:
                await to_sign_in(request)(request.scope, receive, send)
            else:
                await self._counted(request, key, receive, send)

    async def _for_everybody(self, request: Request, receive: Receive, send: Send) -> None:
        request.state.authority = OPEN
        await self._app(request.scope, receive, send)

    async def _counted(self, request: Request, key: Key, receive: Receive, send: Send) -> None:
        request.state.authority, request.state.key = Authority.of(key), key
        rates = await _service(request).rates.use(key)
        headers = {name: value for rate in rates for name, value in rate.headers.items()}
        if exceeded := [rate for rate in rates if rate.exceeded]:
            await _too_many(request, exceeded[0], headers)(request.scope, receive, send)
            return
        await self._app(request.scope, receive, _with(headers, send) if headers else send)


def secret_of(request: Request) -> str | None:
    """What a request brings as its key."""
    if match := _BEARER.fullmatch(request.headers.get("Authorization", "").strip()):
        return match[1]
    return request.headers.get("X-API-Key") or None


def _service(request: Request) -> Service:
    found: Service = request.scope["app"].state.service
    return found


def _too_many(request: Request, rate: Rate, headers: Mapping[str, str]) -> ASGIApp:
    told = (
        f"this key has used its {rate.limit} {rate.unit} of a minute: send the request again in "
        f"{math.ceil(rate.reset)} seconds"
    )
    after = {"Retry-After": str(max(1, math.ceil(rate.reset)))}
    return refused(request, Kind(429, "rate_limit_exceeded"), told, headers={**headers, **after})


def _with(headers: Mapping[str, str], send: Send) -> Send:
    """What a response says itself of these stays as it is."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = MutableHeaders(scope=message)
            for name, value in headers.items():
                there.setdefault(name, value)
        await send(message)

    return sending
