"""A FaissIndex under threads; bare FAISS ends such a process with SIGSEGV."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_index_may_be_searched_while_it_is_changed() -> None:
    command = [sys.executable, "-m", "tests.unit.hammer"]

    hammer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)

    assert hammer.returncode == 0, hammer.stderr
