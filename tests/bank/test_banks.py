"""Banks are made, found by name or id, and listed."""

from __future__ import annotations

import pytest

from ted.bank.bank import Bank
from ted.bank.changes import Change
from ted.errors import BadInput, BadSetting, Conflict, NotFound
from ted.operations import Remove
from ted.settings import RetrievalSettings
from tests.stores import Store, added, apply

pytestmark = pytest.mark.each_store


def test_a_bank_is_found_by_its_name_and_by_its_id(store: Store, bank: Bank) -> None:
    assert store.banks.find("desk") == store.banks.find(bank.id) == bank.id


def test_a_name_can_be_taken_once(store: Store, bank: Bank) -> None:
    with pytest.raises(Conflict, match="a bank 'desk' already"):
        store.create("desk")


@pytest.mark.parametrize("name", ["", "   ", "a@b", "x" * 101])
def test_a_name_that_cannot_be_used_is_refused_with_what_can(store: Store, name: str) -> None:
    with pytest.raises(BadInput, match="use 1 to 100 characters without '@'"):
        store.create(name)


async def test_banks_are_listed_oldest_first_with_their_active_experiences(store: Store) -> None:
    names = ["zebra", "ape"]
    zebra, _ = (store.create(name) for name in names)
    gone = await added(zebra, "A door is locked", "Ring.")
    await added(zebra, "A gate is locked", "Knock.")
    await apply(zebra, Change(Remove(gone.id)))

    rows = store.banks.list()

    assert [(r["name"], r["experiences"], r["revision"]) for r in rows] == [("zebra", 1, 3), ("ape", 0, 0)]


def test_a_bank_keeps_its_retrieval_settings(store: Store) -> None:
    settings = RetrievalSettings(k=2, gap=0.3, min_similarity=0.4, token_budget=99)

    assert store.create(retrieval=settings).record.retrieval == settings
    assert store.open().record.retrieval == settings


@pytest.mark.parametrize(
    ("option", "value"),
    [("k", 0), ("k", 51), ("gap", -0.1), ("gap", float("nan")), ("min_similarity", 3.0), ("token_budget", 0)],
)
def test_a_retrieval_setting_out_of_range_is_refused_by_name(option: str, value: float) -> None:
    with pytest.raises(BadSetting, match=rf"{option} is .*: it must be"):
        RetrievalSettings().with_options({option: value})


def test_an_unknown_retrieval_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadSetting, match="no setting 'kk': there are k, gap"):
        RetrievalSettings().with_options({"kk": 1})


async def test_an_experience_that_is_not_there_is_not_found(store: Store, bank: Bank) -> None:
    elsewhere = await added(store.create("other"), "A door is locked", "Ring.")

    for experience_id in ("exp_nowhere", elsewhere.id):
        with pytest.raises(NotFound, match=f"bank 'desk' has no experience '{experience_id}'"):
            bank.experience(experience_id)
