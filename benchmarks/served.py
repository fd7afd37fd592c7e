"""`ted serve` as a process with a bank in it, for rows that ask it over HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.questions import text_of

BANK = "bench"
_PATIENCE = 120.0


@contextmanager
def served(data_dir: Path, models_dir: Path) -> Iterator[httpx.Client]:
    """A server over these folders, which answers; its models may not be loaded yet. Ended at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TED_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "ted.cli.main", "serve", "--open", "--port", "0"],
        env=environment
        | {"TED_DATA_DIR": str(data_dir), "TED_MODELS_DIR": str(models_dir), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.search(r"http://[\d.]+:\d+", line)
        if address is None:
            raise RuntimeError(f"`ted serve` did not start: {line or 'it ended'}")
        with httpx.Client(base_url=address[0], timeout=_PATIENCE) as client:
            _until_it_answers(client, process)
            yield client
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _until_it_answers(client: httpx.Client, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        try:
            client.get("/healthz")
            return
        except httpx.ConnectError:
            time.sleep(0.01)
    raise RuntimeError("`ted serve` ended before it answered")


def fill(client: httpx.Client, experiences: int) -> None:
    """Makes the bank, with that many experiences."""
    client.post("/v1/banks", json={"name": BANK}).raise_for_status()
    for number in range(experiences):
        kept = {"when_to_use": text_of(20, number), "content": text_of(40, number)}
        client.post(f"/v1/banks/{BANK}/experiences", json=kept).raise_for_status()


def retrieve(client: httpx.Client, question: str) -> None:
    """One retrieval, answered."""
    client.post(f"/v1/banks/{BANK}/retrieve", json={"question": question}).raise_for_status()
