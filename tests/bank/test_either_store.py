"""What SQLite and PostgreSQL must do alike: writers one at a time, snapshots, texts of any kind, locks."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ted.bank.caller import DEFAULT_CALLER
from ted.bank.database import Database
from ted.bank.files import PART_BYTES, FileStore
from ted.bank.job_tables import FilePartRow
from ted.bank.listings import Listings
from ted.bank.pages import Page
from ted.bank.tables import BankRow, ProjectRow
from ted.errors import NotFound
from tests.postgres import PostgresServer
from tests.stores import Store, added

pytestmark = pytest.mark.each_store


def test_what_a_writer_has_read_is_still_so_when_it_commits(store: Store, store_url: str) -> None:
    store.create()
    processes = [Database(store_url) for _ in range(2)]

    def count_up(database: Database) -> None:
        for _ in range(10):
            with database.writing() as session:
                read = session.scalars(select(BankRow.revision)).one()
                session.execute(update(BankRow).values(revision=read + 1))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(count_up, processes * 3))

    with store.database.reading() as session:
        assert session.scalars(select(BankRow.revision)).one() == 60
    for database in processes:
        database.close()


def test_a_reader_sees_one_state_whatever_is_written_meanwhile(store: Store, store_url: str) -> None:
    bank = store.create()
    with store.database.reading() as reading:
        before = reading.scalars(select(BankRow.revision)).one()
        with store.database.writing() as writing:
            writing.execute(update(BankRow).where(BankRow.id == bank.id).values(revision=7))

        assert reading.scalars(select(BankRow.revision)).one() == before == 0


def test_texts_may_be_long_and_hold_anything_and_sort_by_bytes(store: Store) -> None:
    names = ["a" * 1_000, "B", "a_b", "aB", "\u00e9", "z", "nul \0 here", "\U0001f600"]
    with store.database.writing() as session:
        session.add_all([ProjectRow(id=f"proj_{n}", name=name) for n, name in enumerate(names)])

    query = select(ProjectRow.name).where(ProjectRow.id != "proj_default").order_by(ProjectRow.name)
    with store.database.reading() as session:
        found = list(session.scalars(query))

    kept = [name.replace("\0", "\ufffd") for name in names]
    assert found == sorted(kept, key=str.encode)


def test_nul_in_a_json_column_is_kept_as_another_character_and_a_backslash_as_it_is(store: Store) -> None:
    bank = store.create()
    details = {"nul": "a\0b", "key \0": 1, "no nul": "\\u0000 and \\\0"}
    with store.database.writing() as session:
        session.execute(update(BankRow).where(BankRow.id == bank.id).values(details=details))

    with store.database.reading() as session:
        kept = session.scalars(select(BankRow.details)).one()
        told = session.scalars(select(BankRow.details["no nul"].as_string())).one()

    assert kept == {"nul": "a\ufffdb", "key \ufffd": 1, "no nul": "\\u0000 and \\\ufffd"}
    assert told == kept["no nul"]
    assert "\0" not in json.dumps(kept)


async def test_experiences_are_found_by_a_tag_and_not_by_a_part_of_one(store: Store) -> None:
    bank = store.create()
    tagged = await added(bank, "A door is locked", "Use the key.", tags=("doors", 'a "b"'))
    await added(bank, "A window is locked", "Use the other key.", tags=("windows",))

    def found(tag: str) -> list[str]:
        page = Listings(store.database, DEFAULT_CALLER).experiences(bank.id, Page(), tag=tag)
        return [details.experience.id for details in page.data]

    assert found("doors") == found('a "b"') == [tagged.id]
    assert found("door") == []


def test_a_lock_is_one_holders_until_it_is_released(store: Store, store_url: str) -> None:
    elsewhere = Database(store_url)
    held = store.database.locks.take("a")
    assert held is not None
    assert held.is_held

    assert elsewhere.locks.take("a") is None
    other = elsewhere.locks.take("b")
    assert other is not None
    other.release()
    held.release()

    again = elsewhere.locks.take("a")
    assert again is not None
    again.release()
    elsewhere.close()


def test_a_file_is_kept_in_parts_once_a_project_and_given_back_as_it_was(
    store: Store, tmp_path: Path
) -> None:
    files = FileStore(store.database, DEFAULT_CALLER)
    content = bytes(range(256)) * (PART_BYTES // 256) * 2 + b"the end"

    def keep(name: str) -> str:
        arrived = files.incoming()
        arrived.write_bytes(content)
        kept = files.add(
            arrived,
            filename=name,
            purpose="distillation",
            format="jsonl",
            size=len(content),
            sha256="5" * 64,
            samples=1,
        )
        arrived.unlink()
        return kept.id

    one, two = keep("one"), keep("two")

    assert b"".join(files.content(files.get(one))) == content
    with files.copied(files.get(two)) as path:
        assert path.read_bytes() == content
    assert not path.exists()
    assert _parts(store) == 3
    files.delete(one)
    assert _parts(store) == 3
    files.delete(two)
    assert _parts(store) == 0
    with pytest.raises(NotFound):
        files.get(two)


def _parts(store: Store) -> int:
    with store.database.reading() as session:
        return len(session.scalars(select(FilePartRow.number)).all())


def test_a_database_that_was_begun_anew_costs_nobody_an_error(
    store: Store, backend: str, request: pytest.FixtureRequest
) -> None:
    store.create()
    if backend == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        server.disconnect(str(store.database.engine.url.database))

    assert store.banks.find("desk")
