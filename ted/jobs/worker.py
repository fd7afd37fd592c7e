"""The seam at which submitted jobs are run, and the plain worker at it. What running a job means is ted/jobs/run's."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Protocol

from ted.bank.jobs import JobStore

_log = logging.getLogger(__name__)


class JobWorker(Protocol):
    """Runs submitted jobs, at most one at a time of a bank."""

    def start(self) -> None:
        """Takes up what an earlier process left, then waits for more. Raises Conflict where it may not run here."""
        ...

    def submit(self, job_id: str) -> None:
        """The job will be run, soon; from any thread, and more than once does no harm. Raises RuntimeError if stopped."""
        ...

    def stop(self) -> None:
        """Stops what is running, to be taken up by the next worker, and returns when all of it has stopped."""
        ...


class InProcessWorker:
    """A JobWorker in one background thread with an event loop; jobs of different banks run concurrently.

    What it takes up at its start are the jobs that the store calls queued or running.
    """

    def __init__(self, run: Callable[[str], Awaitable[None]], *, jobs: JobStore) -> None:
        self._run, self._jobs = run, jobs
        self._banks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        begun = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._until_stopped(begun)), name="ted-jobs", daemon=True
        )
        self._thread.start()
        begun.wait()
        for job in self._jobs.all(statuses=("queued", "running")):
            self.submit(job.id)

    def submit(self, job_id: str) -> None:
        if self._loop is None:
            raise RuntimeError("the worker is not started")
        self._loop.call_soon_threadsafe(self._begin, job_id, self._jobs.get(job_id).bank_id)

    def stop(self) -> None:
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._loop = self._thread = None

    async def _until_stopped(self, begun: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping.clear()
        begun.set()
        await self._stopping.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, job_id: str, bank_id: str) -> None:
        if job_id in self._waiting:
            return
        self._waiting.add(job_id)
        task = asyncio.get_running_loop().create_task(self._one(job_id, self._banks[bank_id]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self, job_id: str, bank: asyncio.Lock) -> None:
        """A lock lets in who came first, so the jobs of a bank are run in the order they were submitted."""
        try:
            async with bank:
                self._waiting.discard(job_id)
                await self._run(job_id)
        except Exception:
            _log.exception("job %s ended by an error that is not its own", job_id)
