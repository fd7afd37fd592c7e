"""Where a durable worker stands among others: alone in its data directory, or one of the servers of a PostgreSQL."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from ted.bank.database import Database
from ted.bank.replicas import Replicas, any_lives
from ted.errors import Conflict

_log = logging.getLogger(__name__)

LOCK = "worker.lock"
"""Held in the data directory by the process that runs its jobs."""

UNDER_WAY = ("ENQUEUED", "DELAYED", "PENDING")
"""States of a workflow, in DBOS's words, that is yet to end."""

BEATS = 3
"""How often, in the length of a lease, a server tells that it lives."""


class Place(Protocol):
    """What a worker needs to know of the others, and they of it."""

    @property
    def queue_url(self) -> str:
        """Where the queue is kept."""
        ...

    @property
    def executor(self) -> str:
        """The worker's name in the queue; a worker takes up what one of its name has left."""
        ...

    def enter(self) -> None:
        """The name is the worker's. Raises Conflict where another process has it."""
        ...

    def watch(self, take_over: Callable[[list[str]], None]) -> None:
        """From time to time hands over the names of workers that are dead."""
        ...

    def stop_watching(self) -> None:
        """Returns once nothing is handed over any more."""
        ...

    def leave(self) -> None:
        """The worker has stopped."""
        ...


class OwnFolder:
    """A data directory with one worker and the queue in a file."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir, self._lock = data_dir, FileLock(data_dir / LOCK)

    executor = "server"

    @property
    def queue_url(self) -> str:
        return f"sqlite:///{self._data_dir / 'jobs.sqlite'}"

    def enter(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise Conflict(
                f"another TED server has the data directory '{self._data_dir}': stop it, "
                "or set TED_DATA_DIR to another one"
            ) from None

    def watch(self, take_over: Callable[[list[str]], None]) -> None:
        """There is nobody else."""

    def stop_watching(self) -> None:
        """There is nobody else."""

    def leave(self) -> None:
        self._lock.release()


class SharedDatabase:
    """One of several servers. Each tells that it lives; who has not told for the length of a lease counts as dead.

    Taking over needs more than that: the job's lock, which a process has that only seemed dead (ted/jobs/sole_writer).
    """

    def __init__(self, database: Database, *, name: str, lease_seconds: float) -> None:
        self._database, self.executor, self._lease = database, name, lease_seconds
        self._replicas = Replicas(database, name, lease_seconds=lease_seconds)
        self._stopping = threading.Event()
        self._watching: threading.Thread | None = None

    @property
    def queue_url(self) -> str:
        return self._database.engine.url.render_as_string(hide_password=False)

    def enter(self) -> None:
        self._replicas.enter()

    def watch(self, take_over: Callable[[list[str]], None]) -> None:
        self._stopping.clear()
        self._watching = threading.Thread(
            target=self._watch, args=(take_over,), name="ted-replica", daemon=True
        )
        self._watching.start()

    def stop_watching(self) -> None:
        self._stopping.set()
        if self._watching is not None:
            self._watching.join()

    def leave(self) -> None:
        self._replicas.leave()

    def _watch(self, take_over: Callable[[list[str]], None]) -> None:
        while not self._stopping.wait(self._lease / BEATS):
            try:
                self._replicas.beat()
                if dead := self._replicas.lapsed():
                    self._take_over(dead, take_over)
            except Exception:
                _log.exception("server '%s' could not tell that it lives: tried again soon", self.executor)

    def _take_over(self, dead: list[str], take_over: Callable[[list[str]], None]) -> None:
        """One server does it at a time: else a second one would take what the first has just begun."""
        if lock := self._database.locks.take("take over"):
            try:
                take_over(dead)
            finally:
                lock.release()


def is_served(data_dir: Path, database: Database, *, lease_seconds: float) -> bool:
    """Whether a server runs the jobs of this store at this moment."""
    if database.is_shared:
        return any_lives(database, lease_seconds=lease_seconds)
    lock = FileLock(data_dir / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
