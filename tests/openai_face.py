"""A server of the service in a thread, as tests of its OpenAI face use it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import uvicorn
from fastapi import FastAPI
from openai.types.chat import ChatCompletion

from api.app import create_app
from api.service import Service
from ted.bank.job_tables import CallRow
from ted.settings import Settings
from tests.api.conftest import settings_at
from tests.api_desk import BADGE, PRINTER, REFUND
from tests.blanks import Blank
from tests.upstream import Upstream

STUDENT = "openai/student"
MODEL = "openai/student@desk"
ADVICE = (
    "Advice from experience with similar questions; follow it where it fits:\n<experiences>\n"
    "E1. When: A printer is jammed or offline. Then: Printers go to queue FX-31.\n</experiences>"
)
"""What the bank has for the question of tests/api_desk, as the student is shown it."""

PATIENCE = 30.0  # seconds until what does not happen is given up


@dataclass(frozen=True, slots=True)
class Face:
    """A running server, and what is behind it."""

    url: str
    app: FastAPI
    provider: Upstream

    @property
    def service(self) -> Service:
        """What the app stands on."""
        found: Service = self.app.state.service
        return found

    def made(self) -> Face:
        """With the bank `desk` of three experiences."""
        with self.http() as client:
            client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
            sent = {"experiences": [PRINTER, BADGE, REFUND]}
            client.post("/v1/banks/desk/experiences", json=sent).raise_for_status()
        return self

    def http(self) -> httpx.Client:
        """A plain client."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE)

    def client(self, **more: Any) -> openai.OpenAI:
        """OpenAI's own."""
        return openai.OpenAI(
            base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE, **more
        )

    def async_client(self) -> openai.AsyncOpenAI:
        """OpenAI's own, for coroutines."""
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE)

    def ask(self, text: str, **more: Any) -> ChatCompletion:
        """One question to the student with the bank."""
        asked: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}
        with self.client() as client:
            completion: ChatCompletion = client.chat.completions.create(**asked)
            return completion

    def calls(self, answer_id: str) -> list[CallRow]:
        """The ledger of an answer."""
        return [call for call in self.all_calls() if call.owner == answer_id]

    def all_calls(self) -> list[CallRow]:
        """The whole ledger, in the order of its keys, which is that of time."""
        with self.service.ted.database.reading() as session:
            return session.query(CallRow).order_by(CallRow.call_key).all()


@contextmanager
def serving(settings: Settings, provider: Upstream) -> Iterator[Face]:
    """The service on a free port of loopback, until the block ends."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield Face(f"http://127.0.0.1:{listening.getsockname()[1]}", app, provider)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


@contextmanager
def face_with(folder: Path, blank: Blank, provider: Upstream, **changed: Any) -> Iterator[Face]:
    """A server of its own with the bank `desk`, and other settings."""
    settings = settings_at(folder, blank, provider).model_copy(update=changed)
    with serving(settings, provider) as running:
        yield running.made()


def until(reached: Any) -> None:
    """Returns once it is reached."""
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
