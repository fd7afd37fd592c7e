"""A uvicorn server that drains: told to end, it finishes what runs, within a limit; told twice, it ends at once."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from types import FrameType

import uvicorn

from ted.draining import Drain
from ted.logs import carry_ids

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.05


class DrainingServer(uvicorn.Server):
    """While it drains it still listens, so that /readyz can tell; then it shuts down, and exits with 0."""

    def __init__(self, config: uvicorn.Config, *, drain: Drain, limit: float) -> None:
        super().__init__(config)
        self._drain, self._limit = drain, limit
        self._waiting: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Of SIGTERM and SIGINT. Jobs need no second chance: what they were answered is kept already."""
        if self._drain.begun:
            signal.signal(sig, signal.SIG_DFL)
            os.kill(os.getpid(), sig)
        self._drain.begin()
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._waiting = asyncio.create_task(self._until_at_rest())

    async def _until_at_rest(self) -> None:
        carry_ids()  # the signal came in the middle of some request
        _log.info("draining: %d requests and model calls under way", self._drain.under_way)
        end = asyncio.get_running_loop().time() + self._limit
        while self._drain.under_way and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - other threads count
            await asyncio.sleep(POLL_SECONDS)
        if left := self._drain.under_way:
            _log.warning("%d requests and model calls are cut short (TED_DRAIN_SECONDS)", left)
        self.should_exit = True
