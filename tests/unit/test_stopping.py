"""Work that is stopped ends at a checkpoint of its own, or is cancelled; nothing of it is left running."""

from __future__ import annotations

import asyncio

import pytest

from ted.errors import JobStopped
from ted.jobs.stopping import unless_stopped


class Sign:
    """A checkpoint that passes until somebody stops."""

    def __init__(self) -> None:
        self.stopped = False

    def __call__(self) -> None:
        if self.stopped:
            raise JobStopped("somebody paused it")


async def test_work_that_nobody_stops_gives_its_result() -> None:
    async def work() -> str:
        await asyncio.sleep(0.3)
        return "done"

    assert await unless_stopped(work(), Sign()) == "done"


async def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await unless_stopped(work(), Sign())


async def test_stopped_work_may_end_what_it_is_at() -> None:
    sign, ended = Sign(), []

    async def work() -> None:
        sign.stopped = True
        await asyncio.sleep(0.5)
        ended.append("the call in flight")
        sign()
        ended.append("another call")

    with pytest.raises(JobStopped):
        await unless_stopped(work(), sign, grace=30)

    assert ended == ["the call in flight"]


async def test_stopped_work_that_does_not_end_is_cancelled_and_waited_for() -> None:
    sign, ended = Sign(), []

    async def work() -> None:
        sign.stopped = True
        try:
            await asyncio.sleep(600)
        finally:
            ended.append("put away")

    with pytest.raises(JobStopped):
        await unless_stopped(work(), sign, grace=0.05)

    assert ended == ["put away"]


async def test_work_that_was_done_when_it_was_stopped_is_done() -> None:
    sign = Sign()

    async def work() -> str:
        sign.stopped = True
        await asyncio.sleep(0.4)
        return "done"

    assert await unless_stopped(work(), sign, grace=30) == "done"


async def test_a_cancellation_goes_on_and_takes_the_work_with_it() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            ended.append("put away")

    running = asyncio.create_task(unless_stopped(work(), Sign()))
    await asyncio.sleep(0.05)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == ["put away"]
