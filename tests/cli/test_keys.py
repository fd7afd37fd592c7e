"""`ted keys` and `ted projects`: on the data directory itself, and what other commands see of another project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ted.bank.database import Database
from ted.bank.keys import Key, KeyStore
from ted.cli.main import app


class Command:
    """`ted` on a data directory of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *words: str, code: int = 0, **more: str) -> Result:
        environment = {
            "TED_DATA_DIR": str(self.data),
            "TED_TEXT_EMBEDDER": "hashing",
            "COLUMNS": "200",
        } | more
        done = CliRunner().invoke(app, list(words), env=environment)
        assert done.exit_code == code, done.output
        return done

    def json(self, *words: str, **more: str) -> Any:
        return json.loads(self.run(*words, "--json", **more).stdout)

    def key_of(self, secret: str) -> Key:
        database = Database(f"sqlite:///{self.data / 'ted.sqlite'}")
        found = KeyStore(database, None).of_secret(secret)
        database.close()
        assert found is not None
        return found


@pytest.fixture
def ted(tmp_path: Path) -> Command:
    return Command(tmp_path / "data")


def test_a_key_is_made_with_what_was_asked_for(ted: Command) -> None:
    bank = ted.json("bank", "create", "desk")["id"]
    options = (
        "--banks",
        "desk",
        "--name",
        "app",
        "--expires",
        "30d",
        "--rpm",
        "60",
        "--budget-usd",
        "5",
        "--monthly",
    )

    made = ted.json("keys", "create", "--scopes", "answer, feedback", *options)

    key = ted.key_of(made["key"])
    assert (key.id, key.settings.name, key.settings.scopes) == (made["id"], "app", ("answer", "feedback"))
    assert (key.settings.banks, key.settings.limits.requests_per_minute) == ((bank,), 60)
    assert (key.settings.limits.budget_usd, key.settings.limits.budget_period) == (5, "month")
    assert key.settings.expires_at is not None
    assert (key.settings.expires_at - key.created_at).days in (29, 30)


def test_a_key_for_people_is_a_line_of_its_own_and_a_warning(ted: Command) -> None:
    done = ted.run("keys", "create", "--scopes", "admin")

    assert ted.key_of(done.stdout.strip()).settings.scopes == ("admin",)
    assert "shown this once" in done.stderr


def test_a_list_tells_no_secret_and_a_revoked_key_stays_in_it(ted: Command) -> None:
    made = ted.json("keys", "create", "--scopes", "answer")

    ted.run("keys", "revoke", made["id"])

    listed = ted.run("keys", "list", "--json").stdout
    assert made["key"] not in listed
    assert [(key["id"], key["revoked_at"] is None) for key in json.loads(listed)] == [(made["id"], False)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--scopes", "root"), "there is no scope 'root'"),
        (("--scopes", ""), "without a scope"),
        (("--scopes", "answer", "--expires", "soon"), "--expires is 'soon'"),
        (("--scopes", "answer", "--banks", "nobody"), "there is no bank 'nobody'"),
        (("--scopes", "answer", "--project", "nobody"), "there is no project 'nobody'"),
        (("--scopes", "answer", "--rpm", "0"), "requests_per_minute is 0"),
    ],
)
def test_a_key_that_cannot_be_is_refused_in_a_line(ted: Command, words: tuple[str, ...], told: str) -> None:
    assert told in ted.run("keys", "create", *words, code=2).stderr


def test_commands_work_in_the_project_of_the_setting(ted: Command) -> None:
    project = ted.json("projects", "create", "lab")["id"]
    ted.run("bank", "create", "desk")
    ted.run("bank", "create", "bench", TED_PROJECT="lab")

    assert [bank["name"] for bank in ted.json("bank", "list")] == ["desk"]
    assert [bank["name"] for bank in ted.json("bank", "list", TED_PROJECT=project)] == ["bench"]
    assert "there is no bank 'bench'" in ted.run("bank", "show", "bench", code=2).stderr
    assert "there is no project 'x'" in ted.run("bank", "list", code=2, TED_PROJECT="x").stderr
    assert [p["name"] for p in ted.json("projects", "list")] == ["lab", "default"]
    key = ted.json("keys", "create", "--scopes", "answer", "--project", "lab")
    assert ted.key_of(key["key"]).project_id == project
