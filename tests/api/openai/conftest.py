"""The service on loopback, OpenAI's own client in front of it, and a provider in OpenAI's shape behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.conftest import settings_at
from tests.blanks import Blank
from tests.openai_face import Face, serving
from tests.upstream import Upstream, running_upstream


@pytest.fixture(scope="session")
def provider() -> Iterator[Upstream]:
    """One for all tests; what it says depends on the last message alone."""
    with running_upstream("tests.openai_models:reply", retry_after="0.01") as upstream:
        yield upstream


@pytest.fixture(scope="session")
def face(tmp_path_factory: pytest.TempPathFactory, blank: Blank, provider: Upstream) -> Iterator[Face]:
    """A server with the bank `desk`, for tests that leave it as it is."""
    settings = settings_at(tmp_path_factory.mktemp("face"), blank, provider)
    with serving(settings, provider) as running:
        yield running.made()
