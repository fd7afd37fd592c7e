"""Around every request: whom it is meant for, its id, the bound on its body, its place in a drain, one line in the log."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Collection, MutableMapping
from typing import Any

from fastapi import HTTPException, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kinds import Kind
from api.problems import REQUEST_ID
from api.refusing import refused
from ted.draining import Drain
from ted.logs import carry_ids
from ted.measures import Measures
from ted.tracing import end_of_request, request_span

access = logging.getLogger("api.access")

PROBES = ("/healthz", "/readyz", "/metrics")
"""What is answered even by a server that is going down."""

_GOOD_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


class AroundRequests:
    """Names each request (as its X-Request-ID, if that is fit to be a name), counts its body, logs its end.

    `hosts`: the names that a request may call the server by; None: any. Where no keys are asked for, this is what keeps
    a web page, whose name somebody made to point here, from using the service through the browser of its reader.
    Once `drain` has begun, only probes are answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        hosts: Collection[str] | None,
        drain: Drain,
        measures: Measures,
    ) -> None:
        self._app, self._most, self._hosts = app, max_body_bytes, hosts
        self._drain, self._measures = drain, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, _brief(send))
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _GOOD_ID.fullmatch(given) else f"req_{secrets.token_hex(8)}"
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        began, status = time.perf_counter(), 500

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        carry_ids(request_id=request_id)
        try:
            if self._hosts is not None and _name_of(headers.get("Host", "")) not in self._hosts:
                await _misdirected(Request(scope), headers.get("Host", ""))(scope, receive, named)
            elif scope["path"] in PROBES:
                await self._app(scope, receive, named)
            elif self._drain.begun:
                await _draining(Request(scope))(scope, receive, named)
            else:
                with self._drain.work(), request_span(scope["method"], headers) as traced:
                    counted = self._counted(receive, headers.get("Content-Length", ""))
                    try:
                        await self._app(scope, counted, named)
                    finally:
                        end_of_request(traced, scope["method"], _route(scope), status)
        finally:
            seconds = time.perf_counter() - began
            self._measures.requested(scope["method"], _route(scope), status, seconds)
            fields = {"method": scope["method"], "path": scope["path"], "status": status, "seconds": seconds}
            access.info(
                "%s %s %d %.0f ms",
                scope["method"],
                scope["path"],
                status,
                seconds * 1e3,
                extra={"fields": fields},
            )

    def _counted(self, receive: Receive, declared: str) -> Receive:
        """Raises before a byte too many is kept: at once where the length is declared, else as it comes."""
        seen = int(declared) if declared.isdigit() and len(declared) < 19 else 0
        counted = 0

        async def counting() -> Message:
            nonlocal counted
            if seen > self._most:
                raise self._too_large()
            message = await receive()
            if message["type"] == "http.request":
                counted += len(message.get("body", b""))
                if counted > self._most:
                    raise self._too_large()
            return message

        return counting

    def _too_large(self) -> HTTPException:
        return HTTPException(
            413, f"the body has more than {self._most:,} bytes: send less at once (TED_MAX_BODY_BYTES)"
        )


def _name_of(host: str) -> str:
    """The Host header without its port: `[::1]:8321` is `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _misdirected(request: Request, host: str) -> Response:
    told = f"this server is not called {host!r}: call it by its address (http://127.0.0.1)"
    return refused(request, Kind(421, "misdirected"), told)


def _brief(send: Send) -> Send:
    """Of a start that fails for a reason of ours, the log tells the reason and not where in the code it was met."""

    async def told(message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            last = str(message["message"]).strip().rpartition("\n")[2]
            if last.startswith(("ted.errors.", "index.errors.")):
                message["message"] = last.partition(": ")[2]
        await send(message)

    return told


def _draining(request: Request) -> Response:
    told = "the server is draining before it ends: send this to another one, or again soon"
    headers = {"Retry-After": "5", "Connection": "close"}
    return refused(request, Kind(503, "draining"), told, headers=headers)


def _route(scope: Scope) -> str:
    """The template of the path, so that ids make no labels; `other` where no route took it."""
    return getattr(scope.get("route"), "path", "other")
