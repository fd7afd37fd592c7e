"""Pages of documentation as programs: their fenced blocks, a `ted` command to run them with, a server begun by one."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of that language in a page of the repository, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def put_ted(folder: Path) -> Path:
    """A folder for the path, in which `ted` is this repository's and `python` the one that runs the tests."""
    made = folder / "bin"
    made.mkdir()
    for name, words in (("ted", f"{sys.executable} -m ted.cli.main"), ("python", sys.executable)):
        (made / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (made / name).chmod(0o755)
    return made


def environment(folder: Path, api_base: str) -> dict[str, str]:
    """Of a reader whose data are in the folder, and whose student and teacher are played at this address."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TED_")} | {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "TED_DATA_DIR": str(folder / "data"),
        "TED_TEXT_EMBEDDER": "hashing",
        "TED_STUDENT_API_BASE": api_base,
        "TED_TEACHER_API_BASE": api_base,
    }


@contextmanager
def served_by(block: str, environment: dict[str, str]) -> Iterator[str]:
    """The server that the block starts, on a free port in place of its own; its host and port."""
    server = subprocess.Popen(
        ["bash", "-euc", block.replace("--port 8321", "--port 0")],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert server.stdout is not None
        address = re.search(r"http://(\S+)", server.stdout.readline())
        assert address is not None
        wait_until_up(address[1])
        yield address[1]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def wait_until_up(address: str) -> None:
    """Returns when somebody listens there."""
    host, port = address.rsplit(":", 1)
    for _ in range(600):
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nobody listens at {address}")
