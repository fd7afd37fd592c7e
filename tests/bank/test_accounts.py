"""What a key's calls are charged to: in parallel no more are made than its budget has room for."""

from __future__ import annotations

import asyncio

import pytest

from ted.bank.accounts import KeyAccounts, WorstCase
from ted.bank.caller import DEFAULT_PROJECT
from ted.bank.calls import Owner
from ted.bank.keys import KeySettings, KeyStore, Limits
from ted.chat import ChatRequest, Message, Reply, Usage
from ted.errors import ModelTimeout, QuotaExhausted
from tests.stores import Store


def limited(store: Store, limits: Limits) -> str:
    """The id of a key with these limits."""
    settings = KeySettings("", ("answer",), limits=limits)
    return KeyStore(store.database, None).create(settings, project_id=DEFAULT_PROJECT)[0].id


async def charged(
    store: Store, accounts: KeyAccounts, key_id: str, number: int, *, fails: bool = False
) -> bool:
    """Whether the call was made; it comes to 5 tokens, and might come to 10."""
    request = ChatRequest(f"ans_{number}:0:0:student:0", (Message("user", ("Hello",)),), 5)
    try:
        async with accounts.charging(key_id, request.call_key, lambda: WorstCase(10, None)):
            await asyncio.sleep(0.01)
            if fails:
                raise ModelTimeout("too late")
            reply = Reply("Hello", "student", Usage(2, 3, None), 0.01)
            owner = Owner(DEFAULT_PROJECT, None, f"ans_{number}", key_id)
            await asyncio.to_thread(store.calls.commit, request, reply, owner)
    except QuotaExhausted:
        return False
    return True


async def test_calls_in_parallel_do_not_go_beyond_a_budget(store: Store) -> None:
    accounts, key_id = KeyAccounts(store.database), limited(store, Limits(budget_calls=3))

    made = await asyncio.gather(*(charged(store, accounts, key_id, n) for n in range(8)))

    assert sum(made) == 3


async def test_what_a_call_did_not_come_to_is_there_for_the_next(store: Store) -> None:
    accounts, key_id = KeyAccounts(store.database), limited(store, Limits(budget_tokens=20))

    made = await asyncio.gather(*(charged(store, accounts, key_id, n) for n in range(8)))

    assert sum(made) == 3  # 5 and 5 and 5: a fourth might come to 25


async def test_a_call_that_failed_takes_nothing(store: Store) -> None:
    accounts, key_id = KeyAccounts(store.database), limited(store, Limits(budget_calls=1))

    with pytest.raises(ModelTimeout):
        await charged(store, accounts, key_id, 1, fails=True)

    assert await charged(store, accounts, key_id, 2)
    assert not await charged(store, accounts, key_id, 3)


async def test_a_key_without_a_budget_is_never_held_up(store: Store) -> None:
    accounts, key_id = KeyAccounts(store.database), limited(store, Limits(requests_per_minute=1))

    assert all([await charged(store, accounts, key_id, n) for n in range(3)])
