"""`ted export` and `ted import`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bank_files import exported, lived_in
from tests.cli.test_commands import Command
from tests.stores import Store


@pytest.fixture
def ted(tmp_path: Path, store: Store) -> Command:
    """A `ted` whose store has a bank `desk` of texts."""
    asyncio.run(lived_in(store))
    command = Command(tmp_path)
    command.environment["TED_DATA_DIR"] = str(tmp_path)
    if store.database.is_shared:
        url = store.database.engine.url.render_as_string(hide_password=False)
        command.environment["TED_DATABASE_URL"] = url
    return command


def test_a_bank_goes_to_a_file_and_comes_back_the_same(ted: Command, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "desk.jsonl"

    assert "Wrote bank 'desk'" in ted.run("export", "desk", str(file)).stderr
    assert file.read_bytes() == b"".join(exported(store))
    assert ted.run("export", "desk", "-").stdout_bytes == file.read_bytes()

    ted.run("bank", "delete", "desk", "--yes")
    done = ted.json("import", str(file))
    assert (done["experiences"], done["embedded"], done["dry_run"]) == (6, 0, False)
    assert b"".join(exported(store)) == file.read_bytes()


def test_a_dry_run_writes_nothing_and_a_copy_has_another_name(ted: Command, tmp_path: Path) -> None:
    file = str(tmp_path / "desk.jsonl")
    ted.run("export", "desk", file)

    told = ted.run("import", file, "--as", "other", "--on-conflict", "copy", "--dry-run").stdout
    assert "Would import bank 'other': 6 experiences" in told
    assert [bank["name"] for bank in ted.json("bank", "list")] == ["desk"]

    ted.run("import", file, "--as", "other", "--on-conflict", "copy")
    assert [bank["name"] for bank in ted.json("bank", "list")] == ["desk", "other"]


def test_what_cannot_be_done_is_said_in_one_line(ted: Command, tmp_path: Path) -> None:
    file = tmp_path / "desk.jsonl"
    ted.run("export", "desk", str(file))

    assert "bank 'desk' already" in ted.refusal("import", str(file))
    assert "--on-conflict is 'merge'" in ted.refusal("import", str(file), "--on-conflict", "merge")
    assert "cannot be read" in ted.refusal("import", str(tmp_path / "nowhere"))
    assert "cannot be written" in ted.refusal("export", "desk", str(tmp_path / "nowhere" / "file"))
    assert "no bank 'nobody'" in ted.refusal("export", "nobody", str(tmp_path / "none.jsonl"))
    assert not (tmp_path / "none.jsonl").exists()
    file.write_bytes(file.read_bytes()[:-1])
    assert "nothing was imported" in ted.refusal("import", str(file), "--as", "other")
    assert not list(tmp_path.glob("tmp*"))
