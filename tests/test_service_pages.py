"""examples/service and docs/service.md, run as they are written; only the provider is a scripted one on loopback."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ted.images import ImageLimits
from ted.sample_files import read_samples
from ted.sample_sets import overlap
from tests.pages import ROOT, blocks, environment, put_ted, served_by
from tests.upstream import running_upstream

EXAMPLE, PAGE = "examples/service/README.md", "docs/service.md"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who has started the server as the pages say."""

    address: str
    environment: dict[str, str]

    def run(self, script: str, folder: Path) -> str:
        """What the script prints."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("localhost:8321", self.address)],
            cwd=folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The server of the first block, with a provider of both models."""
    folder = tmp_path_factory.mktemp("reader")
    put_ted(folder)
    with running_upstream("tests.walkthrough_models:reply") as upstream:
        surroundings = environment(folder, upstream.api_base)
        with served_by(blocks(PAGE, "bash")[0], surroundings) as address:
            yield Reader(address, surroundings)


@pytest.fixture
def reader(started: Reader) -> Reader:
    """With no bank yet."""
    httpx.delete(f"http://{started.address}/v1/banks/tickets")
    return started


def rights(pattern: str, printed: str) -> dict[str, int]:
    """How many questions were right under each arm."""
    return {arm: int(right) for arm, right in re.findall(pattern, printed, re.DOTALL)}


def test_the_example_leads_from_samples_to_a_measured_lift(reader: Reader) -> None:
    walk = blocks(EXAMPLE, "bash")[1]

    printed = reader.run(walk, ROOT / "examples" / "service")

    right = rights(r"(none|retrieve): (\d+) of 8 right", printed)
    assert right["none"] == 0
    assert right["retrieve"] >= 4
    assert "item.done" in printed
    assert "job.succeeded" in printed
    assert "distilled 8 of 8 samples" in printed
    assert "answered: WQ-238, shown " in printed
    assert re.search(r"feedback counts for [1-9]", printed)
    assert re.search(r"shown \d+ times, [1-9]", printed)


def test_the_page_tells_the_same_with_curl(reader: Reader) -> None:
    calls = blocks(PAGE, "bash")[1:]

    printed = reader.run("".join(calls), ROOT)

    right = rights(r'"arm": "(\w+)",\s+"questions": 8,\s+"correct": (\d+)', printed)
    assert right["none"] == 0
    assert right["retrieve"] >= 4
    assert '"fits_budget": true' in printed
    assert "event: job.succeeded" in printed
    assert '"final_answer": "WQ-238"' in printed
    assert "\nWQ-238\n" in printed
    assert '"shown_correct": 1.0' in printed


def test_the_example_and_the_page_start_the_same_server() -> None:
    assert blocks(EXAMPLE, "bash")[0] == blocks(PAGE, "bash")[0]


def test_what_is_held_out_is_not_distilled_from() -> None:
    folder = ROOT / "examples" / "service"
    train, held_out = (
        read_samples(folder / f"{name}.jsonl", limits=ImageLimits()) for name in ("train", "held_out")
    )

    assert len(train) == len(held_out) == 8
    assert {s.answer for s in train} == {s.answer for s in held_out}
    assert not overlap(train, held_out)


def test_the_walkthrough_is_short_and_knows_nothing_of_ted() -> None:
    program = (ROOT / "examples" / "service" / "walkthrough.py").read_text(encoding="utf-8")

    assert len(program.splitlines()) < 150
    assert not re.search(r"^\s*(import|from) (ted|index|api)\b", program, re.MULTILINE)
