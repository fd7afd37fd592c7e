"""Brings a database to the newest schema, in one transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from ted.errors import StoreMismatch


def configuration() -> Config:
    """Alembic's configuration for these migrations; it is handed a connection, never a URL."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def upgrade(engine: Engine) -> None:
    """To the head revision; a database that is there already is left as it is.

    Raises StoreMismatch for one of a version that these migrations do not know.
    """
    config = configuration()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.connect().execution_options(ted_write=True) as connection:
        for revision in MigrationContext.configure(connection).get_current_heads():
            if revision not in known:
                raise StoreMismatch(
                    f"the database {engine.url!r} has schema '{revision}', of a newer version of TED than this one "
                    "knows: install that version, or set TED_DATA_DIR to another folder"
                )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def at_head(engine: Engine) -> bool:
    """Whether the database has the schema of these migrations."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory.from_config(configuration()).get_current_head()
