"""DurableWorker: what was submitted is run, also where the process that took it was killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ted.errors import Conflict
from ted.jobs.durable import DurableWorker
from ted.jobs.places import OwnFolder

VICTIM = """
import asyncio, sys, time
from pathlib import Path
from ted.jobs.durable import DurableWorker
from ted.jobs.places import OwnFolder

async def run(job_id):
    with open(sys.argv[2], "a") as log:
        log.write(f"begin {job_id}\\n")
    await asyncio.sleep(float(sys.argv[3]))
    with open(sys.argv[2], "a") as log:
        log.write(f"end {job_id}\\n")

worker = DurableWorker(run, place=OwnFolder(Path(sys.argv[1])), flow_version="1")
worker.start()
for job in sys.argv[4:]:
    worker.submit(job)
time.sleep(600)
"""


class Processes:
    """Worker processes over one data directory, and the log of what they ran."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *jobs: str, seconds: float) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", VICTIM, str(self.folder), str(self.log), str(seconds), *jobs]
        self._running.append(subprocess.Popen(command, cwd=Path(__file__).parents[2]))
        return self._running[-1]

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def wait_for(self, *lines: str) -> None:
        for _ in range(1200):
            if set(lines) <= set(self.lines()):
                return
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for {lines}: there is {self.lines()}")

    def stop(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.stop()


def test_a_job_whose_process_was_killed_is_run_by_the_next_one(processes: Processes) -> None:
    victim = processes.start("job_a", "job_b", seconds=600)
    processes.wait_for("begin job_a", "begin job_b")
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()

    processes.start(seconds=0)

    processes.wait_for("end job_a", "end job_b")
    assert processes.lines().count("begin job_a") == 2


def test_a_job_submitted_twice_is_run_once(processes: Processes) -> None:
    processes.start("job_a", "job_a", "job_b", seconds=0)

    processes.wait_for("end job_a", "end job_b")

    assert sorted(processes.lines()) == ["begin job_a", "begin job_b", "end job_a", "end job_b"]


def test_what_is_queued_is_kept_as_json_and_not_as_pickle(processes: Processes) -> None:
    processes.start("job_a", seconds=0)
    processes.wait_for("end job_a")

    with sqlite3.connect(processes.folder / "jobs.sqlite") as database:
        kept = [row[0] for row in database.execute("SELECT inputs FROM workflow_input")]

    assert kept
    assert all("job_a" in inputs and inputs.startswith("{") for inputs in kept)


def test_a_second_worker_of_a_data_directory_is_refused(processes: Processes) -> None:
    processes.start("job_a", seconds=0)
    processes.wait_for("end job_a")

    async def never(job_id: str) -> None:
        raise AssertionError(job_id)

    worker = DurableWorker(never, place=OwnFolder(processes.folder), flow_version="1")
    with pytest.raises(Conflict, match="another TED server"):
        worker.start()
