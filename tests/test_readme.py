"""The README's examples, run as they are written; only the provider is a scripted one on loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from ted.images import ImageLimits
from ted.sample_files import read_samples
from ted.settings import Settings
from tests import pages
from tests.drawings import draw
from tests.upstream import running_upstream

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


blocks = partial(pages.blocks, "README.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a reader would have it: the README's samples in two files, the image one of them names, and `ted`."""
    lines = blocks("json")[0].splitlines()
    shapes = tmp_path / "shapes"
    shapes.mkdir()
    (shapes / "17.png").write_bytes(draw("red", "triangle", seed=17))
    (tmp_path / "all.jsonl").write_text("\n".join(lines))
    (tmp_path / "train.jsonl").write_text(lines[0])
    (tmp_path / "eval.jsonl").write_text(lines[0].replace("jammed", "out of order"))
    pages.put_ted(tmp_path)
    return tmp_path


def test_the_first_lines_set_everything_up() -> None:
    first, makefile = blocks("bash")[0], (ROOT / "Makefile").read_text(encoding="utf-8")

    targets = re.findall(r"^make (\w+)", first, re.MULTILINE)

    assert targets == ["demo", "test"]
    assert all(re.search(rf"^{target}: ", makefile, re.MULTILINE) for target in targets)


def test_the_samples_can_be_read(folder: Path) -> None:
    samples = read_samples(folder / "all.jsonl", limits=ImageLimits())

    assert [sample.answer for sample in samples] == ["WQ-238", "triangle"]
    assert [len(sample.question.images) for sample in samples] == [0, 1]


def test_the_commands_take_one_from_samples_to_a_measured_lift(folder: Path) -> None:
    script = blocks("bash")[1].replace("eval.jsonl --arms", "eval.jsonl --json --arms")
    with running_upstream("tests.readme_models:reply") as upstream:
        given = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "TED_DATA_DIR": str(folder / "data"),
            "TED_TEXT_EMBEDDER": "hashing",
            "TED_STUDENT_API_BASE": upstream.api_base,
            "TED_TEACHER_API_BASE": upstream.api_base,
        }
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=folder,
            env={**os.environ, **given},
            check=False,
            capture_output=True,
            text=True,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout[done.stdout.index("{\n") : done.stdout.rindex("\n}\n") + 3])
    assert {arm["arm"]: arm["accuracy"] for arm in report["arms"]} == {"none": 0, "retrieve": 1, "teacher": 1}
    assert "operations: 1 add" in done.stdout
    assert done.stdout.rstrip().splitlines()[-2] == "WQ-238"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """`ted serve` with the README's models, played by an upstream; its host and port."""
    with running_upstream("tests.readme_models:reply") as upstream:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "TED_DATA_DIR": str(folder / "data"),
            "TED_TEXT_EMBEDDER": "hashing",
            "TED_STUDENT": "openai/gpt-4.1-nano",
            "TED_STUDENT_API_BASE": upstream.api_base,
            "TED_STUDENT_API_KEY": "sk-student",
            "TED_TEACHER": "openai/gpt-4.1",
            "TED_TEACHER_API_BASE": upstream.api_base,
            "TED_TEACHER_API_KEY": "sk-teacher",
        }
        server = subprocess.Popen(
            [str(folder / "bin" / "ted"), "serve", "--open", "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            address = re.search(r"http://(\S+)", server.stdout.readline())
            assert address is not None
            pages.wait_until_up(address[1])
            yield address[1]
        finally:
            server.terminate()
            server.wait(30)


def test_the_service_does_the_same_over_http(folder: Path) -> None:
    commands = re.split(r"^(?=curl)", blocks("bash")[2], flags=re.MULTILINE)[1:]
    with served(folder) as address:

        def run(command: str) -> dict[str, Any]:
            there = command.replace("localhost:8321", address)
            done = subprocess.run(["bash", "-euc", there], check=True, capture_output=True, text=True)
            said: dict[str, Any] = json.loads(done.stdout)
            return said

        make, distil, jobs, ask, stats = commands
        assert run(make)["name"] == "desk"
        assert run(distil)["kind"] == "distillation"
        for _ in range(600):
            if (job := run(jobs)["data"][0])["status"] not in ("queued", "running"):
                break
            time.sleep(0.1)
        assert job["status"] == "succeeded", job
        assert run(ask)["final_answer"] == "WQ-238"
        assert run(stats)["experiences"]["active"] == 1


def test_a_client_of_openai_is_switched_over(folder: Path) -> None:
    (program,) = blocks("python")
    known = {
        "when_to_use": "A scanner does not work.",
        "content": "Scanners get the code WQ-238.",
        "questions": ['Which queue code? "The scanner is jammed."'],
    }
    with served(folder) as address, httpx.Client(base_url=f"http://{address}/v1") as client:
        client.post("/banks", json={"name": "desk"}).raise_for_status()
        client.post("/banks/desk/experiences", json=known).raise_for_status()

        done = subprocess.run(
            [sys.executable, "-c", program.replace("localhost:8321", address)],
            check=False,
            capture_output=True,
            text=True,
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("WQ-238 [{'id': 'exp_")
    assert known["content"] in done.stdout


def test_every_setting_is_told() -> None:
    told = set(re.findall(r"`TED_(\w+)`", README))

    assert told == {name.upper() for name in Settings.model_fields}


def test_every_command_is_told() -> None:
    from ted.cli.main import app

    told = set(re.findall(r"`ted (\w+)", README))
    there = {c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands}
    there |= {group.name or "" for group in app.registered_groups}

    assert there == told
