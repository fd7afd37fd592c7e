"""One SQL database: engine, short read and write transactions. Which tables are in it is ted/bank/tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.orm import Session

from ted.bank.column_types import to_json
from ted.bank.locks import FileLocks, Locks, SessionLocks, lock_number
from ted.errors import StoreUnavailable

BUSY_TIMEOUT_MS = 30_000

_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_WRITERS = lock_number("writers")
_BEGIN_WRITING = (
    f"SELECT set_config('lock_timeout', '{BUSY_TIMEOUT_MS}', true), "
    f"set_config('idle_in_transaction_session_timeout', '{2 * BUSY_TIMEOUT_MS}', true)"
)


class Database:
    """Sessions on one engine. No transaction may be open while a model thinks: keep the `with` blocks short.

    On SQLite and on PostgreSQL alike one transaction writes at a time, whatever process it is in: what a `writing`
    block has read is still so when it commits.
    """

    def __init__(self, url: str) -> None:
        self.engine = _sqlite_engine(url) if url.startswith("sqlite") else _postgresql_engine(url)
        self._turn = threading.Lock()
        """Held on PostgreSQL by the thread that writes: the others wait here, not each with a connection."""

    @property
    def is_shared(self) -> bool:
        """Whether servers of several machines may work on it."""
        return self.engine.dialect.name == "postgresql"

    @property
    def folder(self) -> Path:
        """Where the database's file is, for what belongs beside it. Raises ValueError for one without a file."""
        file = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or file in (None, "", ":memory:"):
            raise ValueError(f"{self.engine.url!r} is no file: only a SQLite file has a folder")
        return Path(str(file)).resolve().parent

    @property
    def locks(self) -> Locks:
        """Locks by name, among all processes of this database."""
        return SessionLocks(self.engine) if self.is_shared else FileLocks(self.folder / "locks")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session over one consistent snapshot; nothing is committed. Raises StoreUnavailable."""
        with told_if_gone(), Session(self.engine, expire_on_commit=False) as session:
            if self.is_shared:
                session.connection(execution_options=_SNAPSHOT)
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that owns the write lock from its first statement and commits at the end, or rolls all back.

        Raises StoreUnavailable.
        """
        with told_if_gone(), self._its_turn(), Session(self.engine, expire_on_commit=False) as session:
            begin_writing(session.connection(execution_options={"ted_write": True}))
            yield session
            session.commit()

    @contextmanager
    def _its_turn(self) -> Iterator[None]:
        if not self.is_shared:
            yield
        elif self._turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            try:
                yield
            finally:
                self._turn.release()
        else:
            raise StoreUnavailable("the database is being written by others for too long: try again")

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()


def begin_writing(connection: Connection) -> None:
    """On PostgreSQL the transaction waits until no other one writes, and sees all they wrote.

    A process that is stopped within a transaction is not waited for for ever: its session is ended.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"{_BEGIN_WRITING}, pg_advisory_xact_lock({_WRITERS})")


@contextmanager
def told_if_gone() -> Iterator[None]:
    """Raises StoreUnavailable for a connection that cannot be made, is lost, or is not free in time."""
    try:
        yield
    except NoneFree as error:
        raise StoreUnavailable("all connections to the database are in use: try again") from error
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", "")
        unanswered = state is None and isinstance(error, OperationalError)  # psycopg heard of no server
        if error.connection_invalidated or unanswered or state in UNAVAILABLE:
            raise StoreUnavailable(
                f"the database does not answer ({type(error.orig).__name__}): is it running, and is "
                "TED_DATABASE_URL right?"
            ) from error
        raise


UNAVAILABLE = ("55P03", "57P01", "57P02", "57P03", "53300", "28P01", "28000", "3D000", "25P03")
"""PostgreSQL's codes for: lock not to be had, server going down or starting, no connection left, refused, ended."""


def _sqlite_engine(url: str) -> Engine:
    """WAL; writes begin with BEGIN IMMEDIATE, since a deferred upgrade fails at once whatever the time-out."""
    connect_args = {"timeout": BUSY_TIMEOUT_MS / 1000}
    engine = create_engine(
        url,
        connect_args=connect_args,
        hide_parameters=True,  # errors end in logs
        json_serializer=to_json,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we emit BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("ted_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: str) -> Engine:
    """Connections are tried before they are used: a database that was begun anew costs nobody an error."""
    return create_engine(
        url,
        hide_parameters=True,
        json_serializer=to_json,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={"connect_timeout": 10},
    )
