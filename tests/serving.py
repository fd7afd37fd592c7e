"""`ted serve` as a process over one data directory, for tests that stop, kill and begin it again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.store_portrait import reading
from tests.upstream import Upstream

ROOT = Path(__file__).parents[1]
PATIENCE = 90.0  # seconds until a server that does not come to where it should is given up


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@dataclass
class Server:
    """`ted serve` over one data directory, begun as often as a test wants."""

    data: Path
    provider: Upstream
    process: subprocess.Popen[str] | None = None
    more: dict[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    module: str = "ted.cli.main"

    def command(self, *options: str) -> subprocess.Popen[str]:
        environment = {n: v for n, v in os.environ.items() if not n.startswith("TED_")} | {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "TED_DATA_DIR": str(self.data),
            "TED_TEXT_EMBEDDER": "hashing",
            "TED_OPEN": "true",
            "TED_STUDENT": "openai/student",
            "TED_TEACHER": "openai/teacher",
        }
        for role in ("STUDENT", "TEACHER"):
            environment |= {f"TED_{role}_API_BASE": self.provider.api_base, f"TED_{role}_API_KEY": "test"}
        return subprocess.Popen(
            [sys.executable, "-m", self.module, "serve", *options],
            cwd=ROOT,
            env=environment | self.more,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def start(self) -> httpx.Client:
        """Begun on a free port, and ready."""
        self.process = self.command("--port", "0")
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        address = re.match(r"TED listens on (http://127\.0\.0\.1:\d+) ", line)
        assert address, line + self.process.stdout.read()
        client = httpx.Client(base_url=address[1], timeout=30)
        until(lambda: answers(client))
        return client

    def stop(self, how: signal.Signals) -> str:
        """Ended by a signal; what it printed since."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.end()

    def kill(self) -> None:
        """Ended at once, if it runs."""
        if self.process is not None:
            self.stop(signal.SIGKILL)

    def end(self) -> str:
        """Waits until it has ended; what it printed since."""
        assert self.process is not None
        printed, _ = self.process.communicate(timeout=PATIENCE)
        self.exit_code, self.process = self.process.returncode, None
        return printed

    @property
    def store(self) -> Path | str:
        """A file, or the URL of a database."""
        return self.more.get("TED_DATABASE_URL", self.data / "ted.sqlite")

    def committed(self) -> set[str]:
        """The keys of the replies in the ledger."""
        with reading(self.store) as store:
            return {row[0] for row in store.execute("select call_key from model_calls where outcome = 'ok'")}


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
