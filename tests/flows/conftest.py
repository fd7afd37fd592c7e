"""A bench with an empty bank."""

from __future__ import annotations

import pytest

from ted.bank.bank import Bank
from tests.scripted import Bench
from tests.stores import Store


@pytest.fixture
def bench(store: Store, bank: Bank) -> Bench:
    """An empty bank and no rules for either model yet."""
    return Bench(store, bank)
