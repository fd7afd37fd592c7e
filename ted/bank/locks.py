"""Locks by name among the processes of one database, which a process that is killed cannot leave behind.

What is locked, and for how long, is the holder's affair.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

KEEP_ALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2"
"""A machine that is gone without a word loses its locks within a quarter of a minute."""


class Held(Protocol):
    """A lock that this process has."""

    @property
    def is_held(self) -> bool:
        """Whether it still is: one that hangs on a connection may be lost with it."""
        ...

    def release(self) -> None:
        """Gives it back; a second time does nothing."""
        ...


class Locks(Protocol):
    """Hands out locks. However a process ends, what it held is free."""

    def take(self, name: str) -> Held | None:
        """The lock of that name; None at once where it is held, in this process or another."""
        ...


class FileLocks:
    """Locks of the operating system on files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, name: str) -> Held | None:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / f"{name}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return None
        return FileHeld(lock)


class FileHeld:
    """A file that is locked."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    @property
    def is_held(self) -> bool:
        return self._lock.is_locked

    def release(self) -> None:
        self._lock.release()


class SessionLocks:
    """Advisory locks of PostgreSQL, each on a connection of its own, and gone with it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self, name: str) -> Held | None:
        held = SessionLock(self._engine)
        if held.connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({lock_number(name)})").scalar():
            return held
        held.release()
        return None


class SessionLock:
    """A connection that holds a lock, outside of the pool. Each of its statements is a transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = create_engine(
            engine.url,
            hide_parameters=True,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": 10, "options": KEEP_ALIVE},
        )
        self.connection: Connection = self._engine.connect()

    @property
    def is_held(self) -> bool:
        try:
            return not self.connection.closed and self.connection.exec_driver_sql("SELECT 1").scalar() == 1
        except DBAPIError:
            return False

    def release(self) -> None:
        """Lets go of the lock, then of the connection: alone, its end would be noticed a moment later."""
        try:
            if not self.connection.closed:
                self.connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")
                self.connection.close()
        except DBAPIError:
            self.connection.invalidate()  # the server is gone, and the lock with it


def lock_number(name: str) -> int:
    """PostgreSQL's locks have numbers of 64 bits; the same name has the same one everywhere."""
    return int.from_bytes(hashlib.sha256(f"ted:{name}".encode()).digest()[:8], "big", signed=True)
