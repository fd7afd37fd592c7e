"""Brings a database to the newest schema, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

import ted.bank.job_tables
import ted.bank.key_tables  # noqa: F401 - both register their tables
from ted.bank.column_types import BY_BYTES
from ted.bank.database import begin_writing, told_if_gone
from ted.bank.tables import Base
from ted.errors import StoreMismatch


def configuration() -> Config:
    """Alembic's configuration for these migrations; it is handed a connection, never a URL."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    """A connection that writes. On SQLite without foreign keys, as its documentation has it for changes of a schema: a
    table that is written anew is dropped on the way, and with them that would delete all that belongs to its rows."""
    with engine.connect().execution_options(ted_write=True) as connection:
        raw = connection.connection.driver_connection
        if engine.dialect.name != "sqlite" or raw is None:
            yield connection
            return
        raw.execute("PRAGMA foreign_keys=OFF")  # which does nothing within a transaction, so before it begins
        try:
            yield connection
        finally:
            connection.rollback()
            raw.execute("PRAGMA foreign_keys=ON")


def upgrade(engine: Engine) -> None:
    """To the head revision; a database that is there already is left as it is.

    Of several processes that begin at once, one does it and the others wait. Raises StoreMismatch for a database of a
    version that these migrations do not know.
    """
    config = configuration()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with told_if_gone(), _connected(engine) as connection:
        begin_writing(connection)
        for revision in MigrationContext.configure(connection).get_current_heads():
            if revision not in known:
                raise StoreMismatch(
                    f"the database {engine.url!r} has schema '{revision}', of a newer version of TED than this one "
                    "knows: install that version, or set TED_DATA_DIR to another folder"
                )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if connection.dialect.name == "postgresql":
            _sort_texts_by_bytes(connection)
        connection.commit()


_OTHER_TEXTS = f"""
SELECT table_name, column_name FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name = ANY (%(tables)s)
AND (data_type = 'character varying' OR data_type = 'text' AND collation_name IS DISTINCT FROM '{BY_BYTES}')
ORDER BY table_name, column_name
"""


def _sort_texts_by_bytes(connection: Connection) -> None:
    """Texts are of any length and sort by bytes, as on SQLite and in Python, whatever the database's own collation."""
    found = connection.exec_driver_sql(_OTHER_TEXTS, {"tables": list(Base.metadata.tables)}).all()
    for table, columns in groupby(found, key=lambda row: row[0]):
        changes = ", ".join(f'ALTER "{column}" TYPE text COLLATE "{BY_BYTES}"' for _, column in columns)
        connection.exec_driver_sql(f'ALTER TABLE "{table}" {changes}')


def at_head(engine: Engine) -> bool:
    """Whether the database has the schema of these migrations."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory.from_config(configuration()).get_current_head()
