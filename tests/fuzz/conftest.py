"""A server with something of everything in its store, for requests that nobody would write by hand."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import uvicorn
from fastapi.testclient import TestClient

from api.app import create_app
from ted.bootstrap import Ted, make_first_key
from tests.api.conftest import provider as provider
from tests.api.conftest import settings_at
from tests.api_desk import Desk
from tests.blanks import Blank
from tests.fuzz.world import World, made_world
from tests.serving import until
from tests.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Running:
    """A server on loopback, what is in its store, and the one place for what is sent with each request."""

    url: str
    world: World
    session: requests.Session
    headers: dict[str, str]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, blank: Blank, provider: Upstream) -> World:
    """A store, closed, to be copied; with the ids of what is in it."""
    folder = tmp_path_factory.mktemp("world")
    with TestClient(create_app(settings_at(folder, blank, provider))) as client:
        return made_world(Desk(client).made(), folder)


@pytest.fixture
def running(world: World, tmp_path: Path, blank: Blank, provider: Upstream) -> Iterator[Running]:
    """A server over a copy of that store; its jobs are queued and not run."""
    asks_for_keys = {"max_body_bytes": 1_000_000, "open": False}
    settings = settings_at(tmp_path, blank, provider).model_copy(update=asks_for_keys)
    shutil.copytree(world.folder, tmp_path, dirs_exist_ok=True)
    headers = {"Authorization": f"Bearer {make_first_key(settings)}"}
    app = create_app(settings, _idle)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with requests.Session() as session:
        yield Running(f"http://127.0.0.1:{port}", world, session, headers)
    server.should_exit = True
    thread.join()


class IdleWorker:
    """A JobWorker that runs nothing: what is submitted stays queued."""

    def start(self) -> None: ...

    def submit(self, job_id: str) -> None: ...

    def stop(self) -> None: ...


def _idle(ted: Ted) -> IdleWorker:
    return IdleWorker()
