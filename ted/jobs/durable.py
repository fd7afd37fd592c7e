"""Submitted jobs on DBOS: queued in a database, and begun again where the process died. The only importer of dbos.

A job is one workflow with one step. What lies within a job is kept elsewhere: every answered call in the ledger, every
finished item in its row, every batch in the bank; so a step that is begun again pays for nothing twice.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable

from ted.jobs.places import UNDER_WAY, Place

QUEUE = "jobs"

AT_ONCE = 4
"""Jobs that one process runs at the same time."""

POLL_SECONDS = 0.2


class DurableWorker:
    """Runs submitted jobs until `stop`. There is one such worker a process; `place` is where it stands among others.

    `flow_version` is the version of what `run` does: a job queued under another version is not run by this one.
    """

    def __init__(
        self, run: Callable[[str], Awaitable[None]], *, place: Place, flow_version: str, name: str = "ted"
    ) -> None:
        self._run, self._place, self._version, self._name = run, place, flow_version, name
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

        self._place.enter()
        DBOS(
            config={
                "name": self._name,
                "system_database_url": self._place.queue_url,
                "sys_db_pool_size": 5,
                "application_version": self._version,
                "executor_id": self._place.executor,
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

        def take_over(executors: list[str]) -> None:
            left = DBOS.list_workflows(
                status="PENDING",
                executor_id=executors,
                app_version=self._version,
                load_input=False,
                load_output=False,
            )
            for workflow in left:
                DBOS.resume_workflow(workflow.workflow_id, queue_name=QUEUE)

        self._begin = begin
        self._place.watch(take_over)

    def submit(self, job_id: str) -> None:
        """Queues a job, as a workflow of its own each time. For one that is with this worker, the run at hand ends first.

        What it is then asked to run again is for `run` to judge: a job that has ended is not run.
        """
        if self._begin is None:
            raise RuntimeError("the worker is not started")
        self._begin(job_id)

    def stop(self) -> None:
        """Stops at once; the next worker, or another of the same database, goes on with what was running."""
        from dbos import DBOS

        if self._begin is not None:
            self._begin = None
            self._place.stop_watching()
            DBOS.destroy(destroy_registry=True)
            self._place.leave()
