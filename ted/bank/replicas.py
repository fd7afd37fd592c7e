"""The servers of one PostgreSQL, by name: which of them live. What one that does not has left is ted/jobs' affair."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from ted.bank.database import Database
from ted.bank.job_tables import ReplicaRow
from ted.bank.locks import Held
from ted.errors import Conflict

ENTRY_SECONDS = 5.0
"""How long a name is asked for again: the end of a process that had it may not be noticed yet."""


class Replicas:
    """This server among the others. A name belongs to one process at a time, by a lock; that it lives, a row tells."""

    def __init__(self, database: Database, name: str, *, lease_seconds: float) -> None:
        self.name, self._database = name, database
        self._lease = timedelta(seconds=lease_seconds)
        self._lock: Held | None = None

    def enter(self) -> None:
        """From here on the name is this process's. Raises Conflict where another one has it."""
        end = time.monotonic() + ENTRY_SECONDS
        while not self._has_lock():
            if time.monotonic() > end:
                raise Conflict(
                    f"another TED server of this database is called '{self.name}': stop it, or set TED_REPLICA "
                    "to another name"
                )
            time.sleep(0.1)
        self.beat()

    def beat(self) -> None:
        """Tells that this server lives; a lock that was lost with its connection is taken again."""
        self._has_lock()
        with self._database.engine.begin() as connection:
            _tell(connection, self.name, func.clock_timestamp())

    def lapsed(self) -> list[str]:
        """The others that have not told for so long that they count as dead."""
        query = select(ReplicaRow.name).where(
            ReplicaRow.name != self.name, ReplicaRow.lives_at < func.now() - self._lease
        )
        with self._database.reading() as session:
            return list(session.scalars(query))

    def leave(self) -> None:
        """What this server leaves is anybody's at once."""
        with self._database.engine.begin() as connection:
            _tell(connection, self.name, func.to_timestamp(0))
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _has_lock(self) -> bool:
        if self._lock is None or not self._lock.is_held:
            self._lock = self._database.locks.take(f"replica {self.name}")
        return self._lock is not None


def any_lives(database: Database, *, lease_seconds: float) -> bool:
    """Whether there is a server of this database that runs jobs."""
    query = select(ReplicaRow.name).where(
        ReplicaRow.lives_at >= func.now() - timedelta(seconds=lease_seconds)
    )
    with database.reading() as session:
        return session.scalar(query.limit(1)) is not None


def _tell(connection: Connection, name: str, moment: object) -> None:
    """Outside of the writers' turn: a long write of somebody else is no sign of death."""
    row = insert(ReplicaRow).values(name=name, lives_at=moment)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"lives_at": moment}))
