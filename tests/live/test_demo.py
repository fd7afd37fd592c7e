"""`ted demo` with the real models: it lifts the student, and with shuffled answers it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.live, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]


def demo(*options: str) -> tuple[int, dict[str, Any]]:
    """Exit code of the demo in a process of its own, and what it printed as JSON."""
    command = [sys.executable, "-m", "ted.cli.main", "demo", "--json", *options]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_student_with_its_bank_is_right_where_alone_it_is_not() -> None:
    code, report = demo()

    arms = {arm["arm"]: arm for arm in report["arms"]}
    assert code == 0
    assert arms["none"]["accuracy"] < 0.2
    assert arms["retrieve"]["accuracy"] > 0.8
    for name, arm in arms.items():
        rows = [row for row in report["questions"] if row["arm"] == name]
        assert len(rows) == arm["questions"] == 48
        assert sum(row["correct"] for row in rows) == arm["correct"]
        assert sum(row["prompt_tokens"] for row in rows) == arm["prompt_tokens"] > 0


def test_from_shuffled_answers_nothing_is_learned(tmp_path: Path) -> None:
    """On a half of the example, to be quick."""
    for name in ("train.jsonl", "eval.jsonl"):
        lines = (ROOT / "examples" / "house_codes" / name).read_text(encoding="utf-8").splitlines()
        (tmp_path / name).write_text("\n".join(lines[: len(lines) // 2]), encoding="utf-8")

    code, report = demo("--shuffled", "--folder", str(tmp_path))

    accuracy = {arm["arm"]: arm["accuracy"] for arm in report["arms"]}
    assert code == 1
    assert accuracy["retrieve"] < 0.4
