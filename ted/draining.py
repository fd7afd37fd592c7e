"""Whether a process is going down, and what it must still finish. Who tells it to, and who waits, is others' affair."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class Drain:
    """Counts the work under way; once begun, no call of a job's model begins any more. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = False
        self._under_way = 0

    @property
    def begun(self) -> bool:
        """Whether the process is going down."""
        return self._begun

    @property
    def under_way(self) -> int:
        """Requests and model calls that are not finished."""
        return self._under_way

    def begin(self) -> None:
        """From now on nothing new is to begin."""
        with self._lock:
            self._begun = True

    @contextmanager
    def work(self) -> Iterator[None]:
        """Something that is finished even when the drain begins meanwhile."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """A job's model call and the keeping of its reply; where the drain has begun, it waits to be cancelled.

        So a job stops between two calls: each that began is kept, and none is paid in vain.
        """
        if not self._enter(unless_begun=True):
            await asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            self._leave()

    def _enter(self, *, unless_begun: bool = False) -> bool:
        with self._lock:
            if unless_begun and self._begun:
                return False
            self._under_way += 1
            return True

    def _leave(self) -> None:
        with self._lock:
            self._under_way -= 1
