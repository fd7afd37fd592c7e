"""Server-sent events, and work that ends when the caller leaves."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ted.completion import Json

_log = logging.getLogger(__name__)

DoneT = TypeVar("DoneT")


class CallerLeft(Exception):
    """The caller has closed the connection; nobody reads an answer."""


async def while_there(receive: Receive, work: Coroutine[Any, Any, DoneT]) -> DoneT:
    """What the work gives; it is cancelled where the caller leaves first. Raises CallerLeft.

    The request's body must have been read.
    """
    working, leaving = asyncio.create_task(work), asyncio.create_task(_left(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise CallerLeft
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(Response):
    """A stream whose first event is at hand, so that what failed before it was answered with a status of its own.

    `shown` makes of each value the event's, or None for none. An error is an event, too, and ends the stream;
    `told_as` says how it is told.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        first: Json,
        rest: AsyncGenerator[Json],
        *,
        shown: Callable[[Json], Json | None],
        told_as: Callable[[Exception], Json],
        headers: dict[str, str],
    ) -> None:
        self.status_code, self.background = 200, None
        self._first, self._rest, self._shown, self._told_as = first, rest, shown, told_as
        self.init_headers({**headers, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._rest):
            start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(start)
            try:
                await while_there(receive, self._sent(send))
            except CallerLeft:
                _log.info("the caller left %s before the end", scope["path"])

    async def _sent(self, send: Send) -> None:
        async def event(data: bytes) -> None:
            await send({"type": "http.response.body", "body": b"data: %s\n\n" % data, "more_body": True})

        try:
            await event(as_json(self._first))
            async for value in self._rest:
                if (shown := self._shown(value)) is not None:
                    await event(as_json(shown))
            await event(b"[DONE]")
        except Exception as error:  # too late for a status: it is logged, and told as an event
            _log.warning("a stream broke off", exc_info=error)
            await event(as_json(self._told_as(error)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def as_json(value: Json) -> bytes:
    """Compact; half of a surrogate pair, which a provider may send, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
