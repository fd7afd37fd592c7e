"""A real browser over a running service with a bank that was lived in; where there is no Chromium, these are no tests."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn

from api.app import create_app
from api.service import Service
from tests.api.conftest import provider, settings_at
from tests.api_desk import BADGE, PRINTER, REFUND
from tests.blanks import Blank
from tests.lived_in import live_in
from tests.serving import until
from tests.upstream import Upstream

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["provider"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PICTURES = Path(__file__).parents[2] / "artifacts" / "screenshots"

if CHROMIUM is None or importlib.util.find_spec("playwright") is None:
    collect_ignore_glob = ["test_*.py"]


@dataclass(frozen=True, slots=True)
class Site:
    """Where the service is, a key for all of it, and the id of its bank."""

    url: str
    key: str
    bank: str
    service: Service


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, blank: Blank, provider: Upstream) -> Iterator[Site]:
    """With keys, over HTTP on loopback."""
    from ted.bank.keys import SCOPES, KeySettings, KeyStore

    settings = settings_at(tmp_path_factory.mktemp("site"), blank, provider).model_copy(
        update={"open": False, "max_body_bytes": 5_000_000}
    )
    app = create_app(settings)
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    service: Service = app.state.service
    ted = service.ted
    _, key = KeyStore(ted.database, None).create(KeySettings("Ada", SCOPES), project_id="proj_default")
    bank = ted.create_bank("tickets").id
    live_in(ted.database, bank, experiences=240)
    yield Site(url, key, bank, service)
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One process for all tests of a module; while it is there, nothing else can run an event loop in this thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser, site: Site) -> Iterator[Page]:
    """A page of a browser that has signed in; whatever it asks another host for, and each refusal of the policy, fails."""
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    offences: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((site.url, "data:")) else offences.append(r.url))
    page.on("pageerror", lambda error: offences.append(str(error)))
    page.on("console", lambda m: offences.append(m.text) if "Content Security Policy" in m.text else None)
    page.goto("/ui")
    page.get_by_label("Key").fill(site.key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/ui/banks")
    yield page
    context.close()
    assert offences == []


@pytest.fixture(scope="session")
def desk(site: Site) -> str:
    """The id of a second bank, small, whose questions are answered."""
    import httpx

    client = httpx.Client(base_url=site.url, headers={"Authorization": f"Bearer {site.key}"})
    made = client.post(
        "/v1/banks", json={"name": "desk", "description": "Which queue takes which ticket."}
    ).json()
    path = f"/v1/banks/{made['id']}"
    client.post(f"{path}/experiences", json={"experiences": [PRINTER, BADGE, REFUND]}).raise_for_status()
    client.close()
    return str(made["id"])
