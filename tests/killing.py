"""`ted distill` as a process that is killed with SIGKILL at moments of chance and begun again, against a real server."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from ted.bootstrap import open_ted
from ted.chat import ChatRequest, ScriptedChat
from ted.chat_wire import response_format, wire_message
from ted.images import ImageLimits
from ted.jobs.distillation import DistillationRunner, Options
from ted.sample_files import read_samples
from ted.settings import Budget, read_settings
from tests.desk_models import reply
from tests.store_portrait import reading
from tests.upstream import Upstream

ROOT = Path(__file__).parents[1]
CONCURRENCY = 8
PATIENCE = 120.0  # seconds until a process that does not come to where it should is given up

Aim = Literal["first start", "start-up", "work", "settling"]
"""Where a kill is aimed at; where it landed is read from the store and the server's log afterwards."""

SPREAD: dict[Aim, float] = {"first start": 2.0, "start-up": 5.0, "work": 0.9, "settling": 0.06}
"""Seconds after the process began, its first call, or its first batch whose samples are all worked on."""


@dataclass(frozen=True, slots=True)
class Landed:
    """One kill: its aim and delay, where it landed, the calls that its run made, and all that the ledger then had."""

    aim: Aim
    delay: float
    phase: str
    asked: tuple[str, ...]
    committed: frozenset[str]

    @property
    def lost(self) -> frozenset[str]:
        """The calls that were made for nothing: on their way, or answered and not yet committed."""
        return frozenset(self.asked) - self.committed

    def __str__(self) -> str:
        return f"{self.aim:>11} + {self.delay:5.3f} s: {self.phase} ({len(self.committed)} committed, {len(self.lost)} lost)"


@dataclass(frozen=True, slots=True)
class Desk:
    """A data directory, a file of samples and a server; `begin` starts the real command line on them."""

    data: Path
    train: Path
    upstream: Upstream
    options: Sequence[str]

    @property
    def store(self) -> Path:
        return self.data / "ted.sqlite"

    def begin(self, *command: str) -> subprocess.Popen[str]:
        """A `ted` process in a process group of its own."""
        environment = {n: v for n, v in os.environ.items() if not n.startswith("TED_")} | {
            "PYTHONPATH": str(ROOT),
            "TED_DATA_DIR": str(self.data),
            "TED_TEXT_EMBEDDER": "hashing",
            "TED_CONCURRENCY": str(CONCURRENCY),
            "TED_STUDENT": "openai/student",
            "TED_TEACHER": "openai/teacher",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        for role in ("STUDENT", "TEACHER"):
            environment |= {f"TED_{role}_API_BASE": self.upstream.api_base, f"TED_{role}_API_KEY": "test"}
        return subprocess.Popen(
            [sys.executable, "-m", "ted.cli.main", *command],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def distill(self, *more: str) -> subprocess.Popen[str]:
        """The command under test."""
        return self.begin("distill", "desk", str(self.train), *self.options, *more)

    def finished(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """The exit code and all it printed, lines unwrapped."""
        printed, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, " ".join(printed.split())

    def run(self, *more: str) -> str:
        """The command run to its end, which must be a good one."""
        code, printed = self.finished(self.distill(*more))
        assert code == 0, printed
        return printed

    def make_bank(self) -> None:
        """The bank of the desk, whether or not a killed `ted bank create` made it."""
        code, printed = self.finished(self.begin("bank", "create", "desk"))
        assert code == 0 or "there is a bank 'desk' already" in printed, printed
        show_four_for_every_question(self.store)

    def asked(self) -> list[str]:
        """The keys of all calls that reached the server, in order."""
        return [str(key) for key in self.upstream.call_keys]

    def in_flight(self, moment: float) -> int:
        """How many calls the server had and had not answered at a moment of the clock."""
        return sum(
            sign * sum(line["time"] <= moment for line in self.upstream.events(event))
            for event, sign in (("received", 1), ("replied", -1))
        )

    def committed(self) -> frozenset[str]:
        """The keys of the replies that are in the ledger."""
        return frozenset(self._column("select call_key from model_calls where outcome = 'ok'"))

    def settling(self) -> bool:
        """Whether all samples of a batch are worked on and the batch is not applied."""
        worked = len(self._column("select sample_id from job_items where status in ('done', 'all_correct')"))
        applied = len(self._column("select revision from revisions where reason = 'distillation'"))
        return worked > 0 and worked == (applied + 1) * self.option("--batch-size")

    def option(self, name: str) -> int:
        """The number that follows an option."""
        return int(self.options[self.options.index(name) + 1])

    def phase(self, moment: float, asked_before: int) -> str:
        """Where the process that was killed at that moment was, as the store and the server tell it."""
        if not self._column("select 1"):
            return "first start, no schema"
        if not self._column("select id from banks"):
            return "first start, no bank"
        if not self._column("select id from jobs"):
            return "start-up, no job yet"
        if len(self.asked()) == asked_before:
            return "start-up, settling" if self.settling() else "start-up"
        batch = f"batch {len(self._column('select revision from revisions'))}"
        if flying := self.in_flight(moment):
            return f"{flying} calls in flight, {batch}"
        return f"settling, {batch}" if self.settling() else f"between calls, {batch}"

    def _column(self, query: str) -> list[str]:
        """The first column; nothing where there is no store or no schema yet."""
        if not self.store.exists():
            return []
        with reading(self.store) as connection:
            if not connection.execute("select 1 from sqlite_master where name = 'revisions'").fetchall():
                return []
            return [row[0] for row in connection.execute(query)]

    def kill(self, aim: Aim, chance: random.Random) -> Landed:
        """Begins the command, kills its whole process group where it is aimed at, and tells where that was."""
        asked_before = len(self.asked())
        process = self.begin("bank", "create", "desk") if aim == "first start" else self.distill()
        if aim == "work":
            until(lambda: len(self.asked()) > asked_before, process)
        elif aim == "settling":
            until(self.settling, process)
        delay = chance.uniform(0, SPREAD[aim])
        time.sleep(delay)
        assert process.poll() is None, f"it ended before the kill: {process.communicate()[0]}"
        moment = time.time()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        phase = self.phase(moment, asked_before)
        until(
            lambda: not self.in_flight(time.time())
        )  # what is still on its way to the server belongs to this run
        return Landed(aim, delay, phase, tuple(self.asked()[asked_before:]), self.committed())


def show_four_for_every_question(store: Path) -> None:
    """Sets the only bank so, that operations on what was shown come up often."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("""update banks set retrieval = '{"k": 4, "gap": 2, "min_similarity": -2}'""")


def until(reached: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Waits for it while the process, if one is given, runs."""
    end = time.monotonic() + PATIENCE
    while not reached():
        assert process is None or process.poll() is None, f"it ended: {process.communicate()[0]}"
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def run_in_this_process(desk: Desk) -> None:
    """The same distillation without a server and never interrupted: the same models, as functions."""
    ted = open_ted(read_settings(data_dir=desk.data, text_embedder="hashing"))
    try:
        ted.create_bank("desk")
        show_four_for_every_question(desk.store)
        bank = ted.bank("desk")
        runner = DistillationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
        small, large = (
            ScriptedChat(partial(_replied, role), name=f"openai/{role}", usd_per_token=None)
            for role in ("student", "teacher")
        )
        job = runner.find_or_create(
            read_samples(desk.train, limits=ImageLimits()),
            Options(
                "full",
                desk.option("--trajectories"),
                desk.option("--epochs"),
                desk.option("--batch-size"),
                desk.option("--compress-every"),
            ),
            student=small.name,
            teacher=large.name,
            budget=Budget(),
            new_run=False,
        )
        asyncio.run(runner.run(job, student=small, teacher=large))
    finally:
        ted.close()


def _replied(role: str, request: ChatRequest) -> str:
    body = {
        "model": role,
        "messages": [wire_message(message) for message in request.messages],
        "seed": request.seed,
        "temperature": request.temperature,
        "response_format": response_format(request.schema or {}),
    }
    return reply(body)
