"""One SQL database: engine, short read and write transactions. Which tables are in it is ted/bank/tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

BUSY_TIMEOUT_MS = 30_000


class Database:
    """Sessions on one engine. No transaction may be open while a model thinks: keep the `with` blocks short."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = (
            _sqlite_engine(url) if url.startswith("sqlite") else create_engine(url, hide_parameters=True)
        )

    @property
    def folder(self) -> Path:
        """Where the database's file is, for what belongs beside it. Raises ValueError for one without a file."""
        file = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or file in (None, "", ":memory:"):
            raise ValueError(f"{self.engine.url!r} is no file: only a SQLite file has a folder")
        return Path(str(file)).resolve().parent

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session over one consistent snapshot; nothing is committed."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that owns the write lock from its first statement and commits at the end, or rolls all back."""
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection(execution_options={"ted_write": True})
            yield session
            session.commit()

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()


def _sqlite_engine(url: str) -> Engine:
    """WAL; writes begin with BEGIN IMMEDIATE, since a deferred upgrade fails at once whatever the time-out."""
    connect_args = {"timeout": BUSY_TIMEOUT_MS / 1000}
    engine = create_engine(url, connect_args=connect_args, hide_parameters=True)  # errors end in logs

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
