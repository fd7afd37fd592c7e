"""Running a job's work until it is done, or until somebody pauses or cancels the job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ted.errors import JobStopped

T = TypeVar("T")

WATCH_SECONDS = 0.25
GRACE_SECONDS = 5.0
"""What calls in flight are given to end by themselves, so that they are not paid for in vain."""


async def unless_stopped(
    work: Coroutine[Any, Any, T], checkpoint: Callable[[], None], *, grace: float = GRACE_SECONDS
) -> T:
    """The result of the work. Raises JobStopped once the checkpoint does and nothing of the work is left running.

    The work has `grace` seconds to come to a checkpoint of its own, and is cancelled then.
    """
    running = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({running}, timeout=WATCH_SECONDS))[0]:
            try:
                await asyncio.to_thread(checkpoint)
            except JobStopped:
                if not (await asyncio.wait({running}, timeout=grace))[0]:
                    raise
        return running.result()
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
