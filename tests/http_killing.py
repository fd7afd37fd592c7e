"""A distillation through the HTTP API whose server is killed with SIGKILL at moments of chance and begun again."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import httpx

from tests.desk_models import write_samples
from tests.killing import Landed
from tests.serving import Server, until
from tests.store_portrait import reading

Body = dict[str, Any]
Aim = Literal["start-up", "work"]

SPREAD: dict[Aim, float] = {"start-up": 4.0, "work": 0.4}
"""Seconds after the process began, or after its first call."""

EVERY_QUESTION_SHOWS_FOUR = {"k": 4, "gap": 2, "min_similarity": -2}


@dataclass
class HttpDesk:
    """A server with a bank `desk` and one distillation of an uploaded file."""

    server: Server
    job_id: str = ""
    client: httpx.Client | None = None

    @property
    def store(self) -> Path | str:
        return self.server.store

    def asked(self) -> list[str]:
        """The keys of all calls that reached the provider, in order."""
        return [str(key) for key in self.server.provider.call_keys]

    def committed(self) -> frozenset[str]:
        """The keys of the replies that are in the ledger."""
        return frozenset(self.server.committed())

    def begin(self, train: Path, **options: Any) -> None:
        """Uploads the file and asks for a distillation of it, twice under one key, as a client that heard nothing."""
        client = self.client = self.server.start()
        bank = {"name": "desk", "retrieval": EVERY_QUESTION_SHOWS_FOUR}
        client.post("/v1/banks", json=bank).raise_for_status()
        sent = {"content": train.read_bytes(), "headers": {"Content-Type": "application/jsonl"}}
        file = client.post("/v1/files", params={"filename": train.name}, **sent).raise_for_status().json()
        body = {"file_id": file["id"], "compress_every": 0, **options}
        made = [
            client.post("/v1/banks/desk/distillations", json=body, headers={"Idempotency-Key": "once"})
            for _ in range(2)
        ]
        (self.job_id,) = {response.raise_for_status().json()["id"] for response in made}

    def ended(self) -> Body:
        """The job, once a server that is not killed has brought it to its end; it takes as long as calls are made."""
        client = self.client if self.client and self.server.process else self.server.start()

        def is_over() -> bool:
            return _status(client, self.job_id) not in ("queued", "running")

        def goes_on(asked: int) -> bool:
            return is_over() or len(self.asked()) > asked

        try:
            while not is_over():
                until(partial(goes_on, len(self.asked())))
            job: Body = client.get(f"/v1/jobs/{self.job_id}").json()
            return job
        finally:
            self.server.stop(signal.SIGTERM)

    def killed(self, aim: Aim, chance: random.Random, *, running: bool = False) -> Landed:
        """Begins the server unless it is `running`, kills it where it is aimed at, and tells where that was."""
        before = len(self.asked()) if not running else 0
        if not running:
            self.server.process = self.server.command("--port", "0")
        if aim == "work":
            until(lambda: len(self.asked()) > before)
        delay = chance.uniform(0, SPREAD[aim])
        time.sleep(delay)
        self.server.stop(signal.SIGKILL)
        assert self._job_status() in ("queued", "running"), "it ended before the kill: make the job longer"
        until(lambda: not self._in_flight())  # what is still on its way to the provider belongs to this run
        asked = tuple(self.asked()[before:])
        phase = f"{len(asked)} calls" if asked else "no call yet"
        return Landed(aim, delay, phase, asked, self.committed())

    def _job_status(self) -> str:
        with reading(self.store) as store:
            status: str = store.execute("select status from jobs").fetchone()[0]
        return status

    def _in_flight(self) -> int:
        provider = self.server.provider
        return len(provider.events("received")) - len(provider.events("replied"))


def _status(client: Any, job_id: str) -> str:
    status: str = client.get(f"/v1/jobs/{job_id}").json()["status"]
    return status


def write_train(folder: Path, count: int) -> Path:
    """A file of so many samples."""
    return write_samples(folder / "train.jsonl", count)
