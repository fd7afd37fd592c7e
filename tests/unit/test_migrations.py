"""The schema's history: an empty file becomes exactly what the classes say, once, and nothing newer is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text

import ted.bank.job_tables
import ted.bank.key_tables  # noqa: F401 - both register their tables
from migrations.upgrade import configuration, upgrade
from ted.bank.database import Database
from ted.bank.tables import Base, HistoryRow, ProjectRow
from ted.errors import StoreMismatch
from tests.stores import everything

OLDER = (
    "INSERT INTO projects VALUES ('p', 'p', '2026-01-01')",
    "INSERT INTO banks (id, project_id, name, description, text_fingerprint, retrieval, max_experiences, max_tokens,"
    " details, revision, created_at) VALUES ('b', 'p', 'b', '', 'e', '{}', 1, 1, '{}', 2, '2026-01-01')",
    "INSERT INTO experiences (id, project_id, bank_id, version, when_to_use, content, status, pinned, tags,"
    " created_revision, updated_revision, created_at, updated_at)"
    " VALUES ('x', 'p', 'b', 2, 'now', 'c', 'active', 1, '[\"a\"]', 1, 2, '2026-01-01', '2026-01-01')",
    *(
        "INSERT INTO experience_history (project_id, experience_id, revision, operation, version, when_to_use, content,"
        f" status, provenance, created_at) VALUES ('p', 'x', {n}, 'o', {n}, 'w', 'c', 'active', '{{}}', '2026-01-01')"
        for n in (1, 2)
    ),
    "INSERT INTO experience_keys (project_id, experience_id, kind, text) VALUES ('p', 'x', 'when_to_use', 'now')",
)
"""A store of revision 0006 with an experience that was rewritten once."""


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    """A file that is not there yet."""
    database = Database(f"sqlite:///{tmp_path / 'new.sqlite'}")
    yield database
    database.close()


def test_an_empty_file_becomes_exactly_the_schema_of_the_classes(empty: Database) -> None:
    upgrade(empty.engine)

    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    tables = set(inspect(empty.engine).get_table_names())
    assert tables == set(Base.metadata.tables) | {"alembic_version"}


def test_every_table_has_a_project() -> None:
    without = {name for name, table in Base.metadata.tables.items() if "project_id" not in table.columns}

    assert without == {"projects", "replicas"}


def test_a_second_upgrade_changes_nothing(empty: Database) -> None:
    upgrade(empty.engine)
    with empty.writing() as session:
        session.add(ProjectRow(id="proj_1", name="kept"))
    before = everything(empty)

    upgrade(empty.engine)

    assert everything(empty) == before


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(empty: Database) -> None:
    upgrade(empty.engine)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = everything(empty)

    with pytest.raises(StoreMismatch) as refused:
        upgrade(empty.engine)

    assert "schema '9999', of a newer version of TED" in str(refused.value)
    assert "new.sqlite" in str(refused.value)
    assert "set TED_DATA_DIR" in str(refused.value)
    assert everything(empty) == before


def test_the_newest_entry_of_an_older_history_gets_what_stands(empty: Database) -> None:
    config = configuration()
    with empty.engine.connect().execution_options(ted_write=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for statement in OLDER:
            connection.execute(text(statement))
        connection.commit()

    upgrade(empty.engine)

    with empty.reading() as session:
        (older, newest) = session.scalars(select(HistoryRow).order_by(HistoryRow.id)).all()
    assert (older.pinned, older.tags, older.keys) == (None, None, None)
    assert (newest.pinned, newest.tags) == (True, ["a"])
    assert newest.keys == [{"kind": "when_to_use", "text": "now", "image_sha256": ""}]


def test_the_history_is_one_line() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(configuration())

    assert len(scripts.get_heads()) == len(scripts.get_bases()) == 1


def test_a_store_is_kept_in_write_ahead_mode_with_foreign_keys_on(empty: Database) -> None:
    upgrade(empty.engine)

    with empty.reading() as session:
        pragmas = {p: session.execute(text(f"PRAGMA {p}")).scalar() for p in ("journal_mode", "foreign_keys")}
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1}
