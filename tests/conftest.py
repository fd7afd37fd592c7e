"""What every test has: no network but loopback, an environment without keys, one thread a library."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from index.embedders.thumbnails import ThumbnailEmbedder
from ted.bank.bank import Bank
from tests.blanks import Blank, BlankDatabase, BlankFile
from tests.postgres import PostgresServer
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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store",
        choices=("each", "sqlite", "postgres"),
        default="each",
        help="the store of tests that have one; each: SQLite, and PostgreSQL too where a test is marked so",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--store")
        if chosen == "each":
            marked = metafunc.definition.get_closest_marker("each_store") is not None
            kinds = ["sqlite", "postgres"] if marked else ["sqlite"]
        else:
            kinds = [chosen]
        metafunc.parametrize("backend", kinds, scope="session")


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where embedders are exported to, once for all tests of a run."""
    ours = tmp_path_factory.getbasetemp()
    return (ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours) / "models"


@pytest.fixture(scope="session")
def exports(models_dir: Path) -> Path:
    """The exports among them, as `exports_dir` of settings."""
    return models_dir / "onnx"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of this session's own."""
    server = PostgresServer.of_session()
    yield server
    server.close()


@pytest.fixture(scope="session")
def blank(
    backend: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Blank]:
    """A store with the schema and nothing in it, of which tests have copies; of the kind that is under test."""
    if backend == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        made: Blank = BlankDatabase.made(server)
    else:
        made = BlankFile.made(tmp_path_factory.mktemp("blank"))
    yield made
    made.drop_all()


@pytest.fixture
def store_url(tmp_path: Path, blank: Blank) -> Iterator[str]:
    """Where this test's store is."""
    url = blank.copy(tmp_path)
    yield url
    blank.drop(url)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store of this test's own, with the hashing embedder and none of images."""
    store = Store.at(store_url)
    yield store
    store.database.close()


@pytest.fixture
def pictured(store_url: str) -> Iterator[Store]:
    """The same with an embedder of images that sees thumbnails."""
    store = Store.at(store_url, image_embedder=ThumbnailEmbedder())
    yield store
    store.database.close()


@pytest.fixture
def bank(store: Store) -> Bank:
    """An empty bank, `desk`."""
    return store.create()
