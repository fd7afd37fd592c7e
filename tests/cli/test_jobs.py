"""`ted jobs`: what it shows of jobs, and what it does to them with and without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from filelock import FileLock
from typer.testing import CliRunner

from ted.cli.main import app
from ted.jobs.places import LOCK
from tests.desk_models import write_samples
from tests.upstream import Upstream, running_upstream


class Command:
    """`ted` on a data directory of its own, with a bank and the two models of a provider on loopback."""

    def __init__(self, folder: Path, provider: Upstream) -> None:
        self.data, self.train = folder / "data", write_samples(folder / "train.jsonl", 4)
        self.environment = {
            "TED_DATA_DIR": str(self.data),
            "TED_TEXT_EMBEDDER": "hashing",
            "TED_STUDENT": "openai/student",
            "TED_TEACHER": "openai/teacher",
            "COLUMNS": "200",
        }
        for role in ("STUDENT", "TEACHER"):
            self.environment |= {f"TED_{role}_API_BASE": provider.api_base, f"TED_{role}_API_KEY": "test"}

    def run(self, *words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(app, list(words), env=self.environment)
        assert done.exit_code == code, done.output
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def at_its_budget(self, calls: int = 5) -> str:
        """The id of a distillation that rests."""
        words = ("distill", "desk", str(self.train), "--trajectories", "1", "--budget-calls", str(calls))
        job_id: str = self.json(*words, code=1)["id"]
        return job_id


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    with running_upstream("tests.desk_models:reply") as upstream:
        yield upstream


@pytest.fixture
def ted(tmp_path: Path, provider: Upstream) -> Command:
    made = Command(tmp_path, provider)
    made.run("bank", "create", "desk")
    return made


def test_jobs_are_listed_newest_first_and_by_status(ted: Command) -> None:
    job_id = ted.at_its_budget()

    (row,) = ted.json("jobs", "list")
    assert (row["id"], row["kind"], row["status"], row["calls"]) == (job_id, "distillation", "paused", 5)
    assert ted.json("jobs", "list", "--status", "succeeded", "--bank", "desk") == []
    assert job_id in ted.run("jobs", "list").stdout
    assert (
        "--status is 'done': there are queued, " in ted.run("jobs", "list", "--status", "done", code=2).stderr
    )


def test_a_job_is_shown_with_its_reason_and_spending(ted: Command) -> None:
    job_id = ted.at_its_budget()

    shown = ted.run("jobs", "show", job_id).stdout

    assert f"Distillation {job_id}: paused (budget of 5 calls reached" in shown
    assert "calls: 5, tokens: " in shown
    assert ted.json("jobs", "show", job_id)["budget"]["calls"] == 5
    assert "there is no job 'job_x'" in ted.run("jobs", "show", "job_x", code=2).stderr


def test_a_resumed_job_is_run_here_to_its_end_and_repeats_no_call(ted: Command, provider: Upstream) -> None:
    before = len(provider.call_keys)
    job_id = ted.at_its_budget()

    done = ted.json("jobs", "resume", job_id, "--budget-calls", "500")

    keys = provider.call_keys[before:]
    assert (done["status"], done["done"], done["budget"]["calls"]) == ("succeeded", "4/4", 500)
    assert len(keys) == len(set(keys))
    assert ted.json("jobs", "watch", job_id)["status"] == "succeeded"
    assert "is succeeded: only one that is paused" in ted.run("jobs", "resume", job_id, code=2).stderr
    assert "no failed items" in ted.run("jobs", "retry", job_id, code=2).stderr


def test_a_resumed_job_is_left_to_the_server_of_the_data_directory(ted: Command) -> None:
    job_id = ted.at_its_budget()

    with FileLock(ted.data / LOCK):
        said = ted.run("jobs", "resume", job_id).stdout

    assert "The server of this data directory goes on with it." in said
    assert ted.json("jobs", "show", job_id)["status"] == "queued"
    assert ted.json("jobs", "pause", job_id)["status"] == "paused"


def test_a_cancelled_job_is_over_and_its_bank_free(ted: Command) -> None:
    job_id = ted.at_its_budget()

    assert ted.json("jobs", "cancel", job_id)["status"] == "cancelled"

    assert "is cancelled: only one" in ted.run("jobs", "pause", job_id, code=2).stderr
    assert ted.json("jobs", "watch", job_id, code=1)["status"] == "cancelled"
    assert ted.json("jobs", "show", ted.at_its_budget(3))["calls"] == 3
