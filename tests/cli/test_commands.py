"""The `ted` command: what it prints, and what it says to wrong input before anything is asked or written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ted.cli.main import app


class Command:
    """`ted` with a data directory of its own and an embedder that needs no model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "TED_DATA_DIR": str(folder / "data"),
            "TED_MODELS_DIR": str(folder / "models"),
            "TED_TEXT_EMBEDDER": "hashing",
            "COLUMNS": "200",
        }

    def run(self, *words: str, **environment: str) -> Result:
        return CliRunner().invoke(app, list(words), env=self.environment | environment)

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def refusal(self, *words: str, **environment: str) -> str:
        """What is said on standard error where the command is refused with exit code 2."""
        done = self.run(*words, **environment)
        assert done.exit_code == 2, done.output
        assert done.stdout == ""
        return done.stderr

    def samples(self, *lines: str) -> str:
        path = self.folder / "samples.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return str(path)


@pytest.fixture
def ted(tmp_path: Path) -> Command:
    return Command(tmp_path)


GOOD = '{"question": "Which queue?", "answer": "QX-1"}'


def test_a_bank_is_made_listed_shown_and_deleted(ted: Command) -> None:
    made = ted.json("bank", "create", "mine")

    assert [bank["name"] for bank in ted.json("bank", "list")] == ["mine"]
    assert ted.json("bank", "show", "mine")["id"] == made["id"]
    assert ted.json("experiences", "mine") == []

    deleted = ted.run("bank", "delete", "mine", "--yes")
    assert "Deleted bank 'mine'." in deleted.stdout
    assert ted.json("bank", "list") == []


def test_a_bank_is_kept_where_deleting_it_is_not_confirmed(ted: Command) -> None:
    ted.run("bank", "create", "mine")

    done = ted.run("bank", "delete", "mine")

    assert done.exit_code == 1
    assert [bank["name"] for bank in ted.json("bank", "list")] == ["mine"]


def test_a_second_bank_of_a_name_is_refused(ted: Command) -> None:
    ted.run("bank", "create", "mine")

    assert "'mine'" in ted.refusal("bank", "create", "mine")
    assert len(ted.json("bank", "list")) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("bank", "show", "lost"),
        ("bank", "delete", "lost", "--yes"),
        ("experiences", "lost"),
        ("ask", "lost", "Who?", "--student", "openai/x"),
    ],
)
def test_a_bank_that_is_not_there_is_named(ted: Command, words: tuple[str, ...]) -> None:
    said = ted.refusal(*words)

    assert "'lost'" in said
    assert "ted bank" in said


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"question": "Which queue?", "answer"', ("line 2",)),
        ('{"answer": "QX-1"}', ("line 2", "question")),
        ('{"question": "  ", "answer": "QX-1"}', ("line 2", "question")),
        ('{"question": "Which?", "answer": "1", "grader": "guess"}', ("line 2", "guess", "exact")),
        ('{"question": "Which?", "answer": "1", "images": ["lost.png"]}', ("line 2", "lost.png")),
        ('{"question": "Which?", "answer": "1", "colour": "red"}', ("line 2", "colour")),
    ],
)
@pytest.mark.parametrize("command", ["distill", "evaluate"])
def test_a_wrong_line_is_told_before_anything_begins(
    ted: Command, command: str, line: str, told: tuple[str, ...]
) -> None:
    ted.run("bank", "create", "mine")

    said = ted.refusal(
        command, "mine", ted.samples(GOOD, line), "--student", "openai/x", "--teacher", "openai/x"
    )

    assert all(word in said for word in told), said
    assert ted.json("bank", "show", "mine")["revision"] == 0


def test_a_file_that_is_not_there_is_named(ted: Command) -> None:
    ted.run("bank", "create", "mine")

    assert "nowhere.jsonl" in ted.refusal("distill", "mine", "nowhere.jsonl")


def test_unknown_profiles_arms_and_settings_are_told_with_those_there_are(ted: Command) -> None:
    ted.run("bank", "create", "mine")
    samples = ted.samples(GOOD)

    assert "full, compact" in ted.refusal("distill", "mine", samples, "--profile", "tiny")
    assert "none, copy, demos" in ted.refusal("evaluate", "mine", samples, "--arms", "none,most")
    assert "TED_THREADS" in ted.refusal("bank", "list", TED_THREADS="many")


def test_a_local_model_that_is_not_pulled_or_not_known_is_told_with_what_to_do(ted: Command) -> None:
    ted.run("bank", "create", "mine")

    rows = ted.json("models", "list")
    said = ted.refusal("ask", "mine", "Who?")

    assert {row["name"] for row in rows} == {"local/qwen2.5-coder-0.5b", "local/qwen2.5-coder-1.5b"}
    assert not any(row["here"] for row in rows)
    assert "ted models pull qwen2.5-coder-0.5b" in said
    assert "qwen2.5-coder-0.5b" in ted.refusal("models", "pull", "gpt")


def test_a_bank_of_another_embedder_is_refused_with_what_to_do(ted: Command, tmp_path: Path) -> None:
    ted.run("bank", "create", "mine")

    said = ted.refusal("experiences", "mine", TED_TEXT_EMBEDDER="sentence-transformers/all-MiniLM-L6-v2")

    assert "hashing" in said
    assert "TED_TEXT_EMBEDDER" in said


def test_without_a_word_the_help_is_printed(ted: Command) -> None:
    done = ted.run()

    assert "distill" in done.output
    assert "evaluate" in done.output
