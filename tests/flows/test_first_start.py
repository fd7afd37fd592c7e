"""The first start of all, killed in the middle of making the schema, and two of them at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ted.bootstrap import open_ted
from ted.settings import read_settings

ROOT = Path(__file__).parents[2]

DIES_AT = """
import os, signal, sys
from sqlalchemy import Engine, event
from ted.bootstrap import open_ted
from ted.settings import read_settings

left = int(sys.argv[2])

@event.listens_for(Engine, "after_cursor_execute")
def count(connection, cursor, statement, *rest):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

open_ted(read_settings(data_dir=sys.argv[1], text_embedder="hashing")).close()
"""


def starting(data: Path, dies_at: int = 0) -> subprocess.Popen[bytes]:
    """A process that opens the store and kills itself after that many statements; 0 is never."""
    return subprocess.Popen([sys.executable, "-c", DIES_AT, str(data), str(dies_at)], cwd=ROOT)


@pytest.mark.parametrize("statement", [1, 3, 4, 12, 40])
def test_a_first_start_killed_while_it_makes_the_schema_is_survived(tmp_path: Path, statement: int) -> None:
    assert starting(tmp_path, statement).wait() == -signal.SIGKILL

    ted = open_ted(read_settings(data_dir=tmp_path, text_embedder="hashing"))
    ted.create_bank("desk")

    assert [bank["name"] for bank in ted.banks.list()] == ["desk"]
    ted.close()


def test_two_first_starts_at_once_both_open_the_store(tmp_path: Path) -> None:
    both = [starting(tmp_path) for _ in range(2)]

    assert [process.wait() for process in both] == [0, 0]
