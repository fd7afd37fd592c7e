"""One writing job a bank at a time, whatever process it is in and however that one ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ted.bank.bank import Bank
from ted.bootstrap import Ted, open_ted
from ted.errors import Conflict
from ted.jobs.sole_writer import sole_writer
from ted.settings import read_settings

ROOT = Path(__file__).parents[2]

HOLDS = """
import sys, time
from ted.bootstrap import open_ted
from ted.jobs.sole_writer import sole_writer
from ted.settings import read_settings

ted = open_ted(read_settings(data_dir=sys.argv[1], text_embedder="hashing"))
with sole_writer(ted.bank("desk")):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def ted(tmp_path: Path) -> Iterator[Ted]:
    ted = open_ted(read_settings(data_dir=tmp_path, text_embedder="hashing"))
    yield ted
    ted.close()


@pytest.fixture
def bank(ted: Ted) -> Bank:
    return ted.create_bank("desk")


def test_a_second_writer_of_a_bank_is_refused_and_one_of_another_bank_is_not(ted: Ted, bank: Bank) -> None:
    with sole_writer(bank):
        with pytest.raises(Conflict, match="bank 'desk' is being written by another job"), sole_writer(bank):
            pass
        with sole_writer(ted.create_bank("other")):
            pass

    with sole_writer(bank):
        pass


def test_a_killed_writer_leaves_no_lock_behind(bank: Bank, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Conflict), sole_writer(bank):
        pass

    holder.kill()
    holder.communicate()

    with sole_writer(bank):
        pass
