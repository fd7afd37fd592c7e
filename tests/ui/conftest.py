"""The dashboard with keys, over a store of the test's own or of all tests that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ted.settings import Settings
from tests.api.conftest import provider, settings, settings_at
from tests.api_desk import Desk
from tests.blanks import Blank
from tests.browsing import Browser
from tests.keyed import Keyed, Tenant, keyed, tenant
from tests.upstream import Upstream

__all__ = ["provider", "settings"]

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"


@dataclass(frozen=True, slots=True)
class House:
    """A running service, the key that may do all in it, its bank `desk`, and a browser signed in with that key.

    `bank` is the path of the bank's page.
    """

    service: Keyed
    secret: str
    desk: Desk
    browser: Browser
    bank: str

    def with_scopes(self, *scopes: str) -> Browser:
        """A browser of somebody whose key has these scopes."""
        return Browser.of(self.service).signed_in(self.service.key(*scopes)[1])  # type: ignore[arg-type]


def made(service: Keyed) -> House:
    """A house over a service, with a bank of three experiences."""
    _, secret = service.key()
    desk = service.desk(secret)
    bank = f"/ui/banks/{desk.client.get(desk.path).json()['id']}"
    return House(service, secret, desk, Browser.of(service).signed_in(secret), bank)


@pytest.fixture
def service(settings: Settings) -> Iterator[Keyed]:
    """Of the test's own."""
    with keyed(settings) as running:
        yield running


@pytest.fixture
def house(service: Keyed) -> House:
    """Of the test's own."""
    return made(service)


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory, blank: Blank, provider: Upstream) -> Iterator[House]:
    """The same for all tests that only look."""
    with keyed(settings_at(tmp_path_factory.mktemp("still-ui"), blank, provider)) as service:
        yield made(service)


@pytest.fixture(scope="session")
def theirs(still: House) -> Tenant:
    """Another project of the same service, with one of everything."""
    return tenant(still.service, "theirs")
