"""`ted compress`, with a scripted teacher in place of the configured one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ted.bootstrap import Ted, open_ted
from ted.chat import ScriptedChat
from ted.cli.main import app
from ted.settings import read_settings
from tests.compressing import first_of, plant, teacher

DOORS = [
    ("A visitor stands at the locked door of the yard", "Ring the bell of the yard twice and wait."),
    ("A visitor stands at a locked door of the yard", "Ring the bell of the yard twice and wait there."),
]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ScriptedChat:
    """The teacher that every command gets."""
    model = teacher(first_of)
    monkeypatch.setattr(Ted, "teacher", lambda self, name=None: model)
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data directory with a bank of two near-duplicates and two identical contents."""
    ted = open_ted(read_settings(data_dir=tmp_path, text_embedder="hashing"))
    desk = ted.create_bank("desk")
    asyncio.run(plant(desk, [*DOORS, ("Rain", "Take a coat."), ("Snow", "Take a coat.")]))
    yield tmp_path
    ted.close()


def ted(folder: Path, *words: str) -> Result:
    environment = {"TED_DATA_DIR": str(folder), "TED_TEXT_EMBEDDER": "hashing", "COLUMNS": "200"}
    return CliRunner().invoke(app, list(words), env=environment)


def test_a_dry_run_prints_the_plan_and_asks_nobody(folder: Path, model: ScriptedChat) -> None:
    shown = json.loads(ted(folder, "compress", "desk", "--dry-run", "--json").stdout)

    assert shown["dry_run"]
    assert [len(ids) for ids in (*shown["plan"]["merge"], *shown["plan"]["unite"])] == [2, 2]
    assert shown["revision"] == 1
    assert model.requests == []
    assert "nothing was changed" in ted(folder, "compress", "desk", "--dry-run").stdout


def test_a_compression_prints_its_job(folder: Path, model: ScriptedChat) -> None:
    done = ted(folder, "compress", "desk", "--json")

    job = json.loads(done.stdout)
    assert (done.exit_code, job["status"]) == (0, "succeeded")
    assert job["result"]["operations"] == {"merge": 2}
    assert job["result"]["spent"]["calls"] == len(model.requests) == 1
    left = json.loads(ted(folder, "experiences", "desk", "--json").stdout)
    assert sorted(e["content"] for e in left) == [DOORS[0][1], "Take a coat."]


def test_a_compression_for_people_is_a_few_lines(folder: Path, model: ScriptedChat) -> None:
    shown = ted(folder, "compress", "desk").stdout

    assert "succeeded" in shown
    assert "operations: 2 merge" in shown
    assert "experiences now: 2" in shown


def test_a_budget_that_is_too_small_pauses_it_with_exit_code_1(folder: Path, model: ScriptedChat) -> None:
    done = ted(folder, "compress", "desk", "--budget-calls", "0")

    assert done.exit_code == 1
    assert "budget of 0 calls reached" in done.stdout
    assert ted(folder, "compress", "desk", "--budget-calls", "1").exit_code == 0


def test_an_unknown_bank_is_refused(folder: Path, model: ScriptedChat) -> None:
    done = ted(folder, "compress", "nobody")

    assert done.exit_code == 2
    assert "there is no bank 'nobody'" in done.stderr
