"""What every test has: no network but loopback, an environment without keys, one thread a library."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from index.embedders.thumbnails import ThumbnailEmbedder
from migrations.upgrade import upgrade
from ted.bank.bank import Bank
from ted.bank.database import Database
from ted.bank.projects import ProjectStore
from tests.stores import Store

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

hypothesis.settings.register_profile("ted", deadline=None)  # the machine may be busy
hypothesis.settings.load_profile("ted")

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TED_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a test tried to reach {address[0]}: only loopback is allowed")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def blank_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema and nothing in it, to be copied."""
    file = tmp_path_factory.mktemp("blank") / "ted.sqlite"
    database = Database(f"sqlite:///{file}")
    upgrade(database.engine)
    ProjectStore(database).ensure_default()
    database.close()
    return file


@pytest.fixture
def store_file(tmp_path: Path, blank_file: Path) -> Path:
    """Where this test's store is."""
    return Path(shutil.copy(blank_file, tmp_path / "ted.sqlite"))


@pytest.fixture
def store(store_file: Path) -> Iterator[Store]:
    """A store of this test's own, with the hashing embedder and none of images."""
    store = Store.at(store_file)
    yield store
    store.database.close()


@pytest.fixture
def pictured(store_file: Path) -> Iterator[Store]:
    """The same with an embedder of images that sees thumbnails."""
    store = Store.at(store_file, image_embedder=ThumbnailEmbedder())
    yield store
    store.database.close()


@pytest.fixture
def bank(store: Store) -> Bank:
    """An empty bank, `desk`."""
    return store.create()
