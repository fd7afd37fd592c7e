"""The service over a store of the test's own, with a provider process behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from ted.settings import Settings, read_settings
from tests.api_desk import Desk
from tests.blanks import Blank
from tests.upstream import Upstream, running_upstream


@pytest.fixture(scope="session")
def provider() -> Iterator[Upstream]:
    """One for all tests; what it says depends on the question alone."""
    with running_upstream("tests.api_desk:provided", retry_after="0.01") as upstream:
        yield upstream


def settings_at(folder: Path, blank: Blank, provider: Upstream) -> Settings:
    """A new store, in this folder if it is a file, the hashing embedder and the provider's two models, without keys."""
    models: dict[str, Any] = {}
    for role in ("student", "teacher"):
        models[role] = f"openai/{role}"
        models |= {f"{role}_api_base": provider.api_base, f"{role}_api_key": "test"}
    return read_settings(
        data_dir=folder,
        text_embedder="hashing",
        max_body_bytes=100_000,
        open=True,
        **models,
        **blank.settings(folder),
    )


@pytest.fixture
def settings(tmp_path: Path, blank: Blank, provider: Upstream) -> Iterator[Settings]:
    """Of a test's own store."""
    made = settings_at(tmp_path, blank, provider)
    yield made
    blank.drop(made.store_url)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """The running service; what it raises is answered, as by a server."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as running:
        yield running


@pytest.fixture
def desk(client: TestClient) -> Desk:
    """The service with a bank `desk` of three experiences."""
    return Desk(client).made()


@pytest.fixture(scope="session")
def still_desk(tmp_path_factory: pytest.TempPathFactory, blank: Blank, provider: Upstream) -> Iterator[Desk]:
    """The same for all tests whose requests are refused, so that nothing changes."""
    settings = settings_at(tmp_path_factory.mktemp("still"), blank, provider)
    with TestClient(create_app(settings), raise_server_exceptions=False) as running:
        yield Desk(running).made()
