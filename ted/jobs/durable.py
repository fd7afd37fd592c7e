"""Submitted jobs on DBOS: queued in a database, and begun again where the process died. The only importer of dbos.

A job is one workflow with one step. What lies within a job is kept elsewhere: every answered call in the ledger, every
finished item in its row, every batch in the bank; so a step that is begun again pays for nothing twice.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from filelock import FileLock, Timeout

from ted.errors import Conflict

QUEUE = "jobs"
LOCK = "worker.lock"
"""Held in the data directory by the process that runs its jobs."""

AT_ONCE = 4
"""Jobs that one process runs at the same time."""

POLL_SECONDS = 0.2

UNDER_WAY = ("ENQUEUED", "DELAYED", "PENDING")
"""States of a workflow, in DBOS's words, that is yet to end."""


def is_served(data_dir: Path) -> bool:
    """Whether a process runs the jobs of this data directory at this moment."""
    lock = FileLock(data_dir / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


class DurableWorker:
    """Runs submitted jobs until `stop`. There is one such worker a process, and one a data directory.

    `flow_version` is the version of what `run` does: a job queued under another version is not run by this one.
    """

    def __init__(
        self, run: Callable[[str], Awaitable[None]], *, data_dir: Path, flow_version: str, name: str = "ted"
    ) -> None:
        self._run, self._data_dir, self._version, self._name = run, data_dir, flow_version, name
        self._lock = FileLock(data_dir / LOCK)
        self._begin: Callable[[str], None] | None = None
        self._turn = threading.Lock()
        self._running: set[str] = set()
        self._again: set[str] = set()
        """Jobs submitted while they were running: one that was paused and resumed meanwhile is to be run once more."""
        self._over: set[str] = set()
        """Jobs whose last run is over, whatever DBOS says of its workflow."""

    def start(self) -> None:
        """Takes up what an earlier process left, then waits for more. Raises Conflict where another worker is at it."""
        from dbos import DBOS, DBOSPortableJSONSerializer, SetWorkflowID

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise Conflict(
                f"another TED server has the data directory '{self._data_dir}': stop it, "
                "or set TED_DATA_DIR to another one"
            ) from None
        DBOS(
            config={
                "name": self._name,
                "system_database_url": f"sqlite:///{self._data_dir / 'jobs.sqlite'}",
                "application_version": self._version,
                "executor_id": "server",
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "WARNING",
                "notification_listener_polling_interval_sec": POLL_SECONDS,
            }
        )

        @DBOS.step(name="run")
        async def step(job_id: str) -> None:
            with self._turn:
                self._running.add(job_id)
                self._over.discard(job_id)
            while True:
                await self._run(job_id)
                with self._turn:
                    if job_id not in self._again:
                        self._running.discard(job_id)
                        self._over.add(job_id)
                        return
                    self._again.discard(job_id)

        @DBOS.workflow(name="job")
        async def job(job_id: str) -> None:
            await step(job_id)

        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=POLL_SECONDS)

        def begin(job_id: str) -> None:
            with self._turn:
                workflow, times = job_id, 1
                while status := DBOS.get_workflow_status(workflow):
                    if status.status in UNDER_WAY and job_id not in self._over:
                        self._again |= {job_id} & self._running
                        return
                    times += 1
                    workflow = f"{job_id}:{times}"
                self._over.discard(job_id)
                with SetWorkflowID(workflow):
                    DBOS.enqueue_workflow(QUEUE, job, job_id)

        self._begin = begin

    def submit(self, job_id: str) -> None:
        """Queues a job, as a workflow of its own each time. For one that is with this worker, the run at hand ends first.

        What it is then asked to run again is for `run` to judge: a job that has ended is not run.
        """
        if self._begin is None:
            raise RuntimeError("the worker is not started")
        self._begin(job_id)

    def stop(self) -> None:
        """Stops at once; the next worker of the data directory goes on with what was running."""
        from dbos import DBOS

        if self._begin is not None:
            self._begin = None
            DBOS.destroy(destroy_registry=True)
            self._lock.release()
