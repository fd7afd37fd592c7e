"""`ted bank versions|name-version|diff|rollback|unmerge|merge` as they are typed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ted.cli.main import app
from tests.blanks import Blank
from tests.compressing import plant
from tests.planted import GROUPS
from tests.stores import Store


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, blank: Blank, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bank of two revisions, and another one; the models are never asked."""
    monkeypatch.setenv("TED_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TED_TEXT_EMBEDDER", "hashing")
    given = blank.settings(tmp_path)
    for name, value in given.items():
        monkeypatch.setenv(f"TED_{name.upper()}", value)
    store = Store.at(given.get("database_url", f"sqlite:///{tmp_path / 'ted.sqlite'}"))
    bank = store.create()
    asyncio.run(plant(bank, [GROUPS[0][0]]))
    asyncio.run(plant(bank, [GROUPS[1][0]]))
    asyncio.run(plant(store.create("berlin"), [GROUPS[1][0], GROUPS[2][0]]))
    store.database.close()


def ted(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_named_revision_is_gone_back_to() -> None:
    assert ted("bank", "name-version", "desk", "first", "--revision", "1").exit_code == 0

    told = ted("bank", "diff", "desk", "first")
    tried = ted("bank", "rollback", "desk", "first", "--dry-run")
    done = json.loads(ted("bank", "rollback", "desk", "first", "--json").stdout)

    assert "From revision 1 to 2:" in told.stdout
    assert GROUPS[1][0][0] in told.stdout
    assert "nothing was changed" in tried.stdout
    assert (done["to_revision"], done["revision"], len(done["difference"]["removed"])) == (1, 3, 1)
    assert len(json.loads(ted("experiences", "desk", "--json").stdout)) == 1
    (listed,) = json.loads(ted("bank", "versions", "desk", "--json").stdout)
    assert (listed["name"], listed["revision"], listed["active"]) == ("first", 1, 1)


def test_identical_contents_of_another_bank_are_united_and_parted_again_without_a_model() -> None:
    preview = json.loads(ted("bank", "merge", "desk", "--from", "berlin", "--dry-run", "--json").stdout)
    merged = json.loads(ted("bank", "merge", "desk", "--from", "berlin", "--json").stdout)

    assert (len(preview["copied"]), len(preview["unite"]), preview["merge"]) == (2, 1, [])
    assert merged["status"] == "succeeded"
    assert (merged["result"]["operations"], merged["result"]["experiences"]) == ({"merge": 1}, 3)
    (child,) = (
        e["id"]
        for e in json.loads(ted("experiences", "desk", "--json").stdout)
        if e["content"] == GROUPS[1][0][1]
    )
    parted = json.loads(ted("bank", "unmerge", "desk", child, "--json").stdout)
    assert (parted["retired"], len(parted["restored"])) == (child, 2)


def test_what_cannot_be_is_one_message_and_exit_code_2() -> None:
    for words in (
        ("rollback", "desk", "9"),
        ("merge", "desk", "--from", "desk"),
        ("unmerge", "desk", "exp_x"),
    ):
        assert ted("bank", *words).exit_code == 2
