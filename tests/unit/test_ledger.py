"""The ledger: a key that was answered is never paid twice, and a budget is never exceeded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from ted.bank.calls import CallStore, Owner, Spent
from ted.bank.job_tables import CallRow
from ted.chat import ChatRequest, Message, Reply, ScriptedChat, Usage
from ted.errors import BadSetting, BudgetExhausted, LedgerConflict, ModelRefused, ModelTimeout
from ted.ledger import Ledger
from ted.sample import Image
from ted.settings import Budget
from ted.tokens import IMAGE_TOKENS, estimated_tokens, worst_case_prompt_tokens
from tests.stores import Store

OWNER = Owner("proj_default", None, "job_1")


def asking(number: int = 0, text: str = "How many?", max_tokens: int = 10) -> ChatRequest:
    messages = (Message("system", ("Be brief.",)), Message("user", (text,)))
    return ChatRequest(f"job_1:0:s{number}:student:0", messages, max_tokens=max_tokens)


@pytest.fixture
def calls(store: Store) -> CallStore:
    return store.calls


async def test_a_key_that_was_answered_is_answered_from_the_store(calls: CallStore) -> None:
    model = ScriptedChat(lambda request: "four of them", usd_per_token=0.5)

    first = await Ledger(calls, OWNER).around(model).complete(asking())
    again = await Ledger(calls, OWNER).around(model).complete(asking())

    assert again == first
    assert (again.text, again.usage) == ("four of them", Usage(4, 3, 3.5))
    assert len(model.requests) == 1
    assert Ledger(calls, OWNER).spent == Spent(1, 4, 3, 3.5, 0)


@pytest.mark.parametrize(
    "changed",
    [
        asking(text="How few?"),
        asking(max_tokens=11),
        ChatRequest(asking().call_key, asking().messages, 10, temperature=0.7),
        ChatRequest(asking().call_key, asking().messages, 10, schema={"type": "object"}),
        ChatRequest(
            asking().call_key, (asking().messages[0], Message("user", (Image("a", "image/png", b""), "How many?"))), 10
        ),
    ],
)  # fmt: skip
async def test_another_request_under_an_answered_key_is_a_conflict(
    calls: CallStore, changed: ChatRequest
) -> None:
    model = Ledger(calls, OWNER).around(ScriptedChat(lambda request: "4"))
    await model.complete(asking())

    with pytest.raises(LedgerConflict, match=r"job_1:0:s0:student:0 .*begin it anew"):
        await model.complete(changed)


async def test_a_call_that_failed_is_recorded_and_may_be_made_again(store: Store, calls: CallStore) -> None:
    failures = [ModelTimeout("no answer within 120 s")]

    def script(request: ChatRequest) -> str:
        if failures:
            raise failures.pop()
        return "4"

    ledger = Ledger(calls, OWNER)
    model = ledger.around(ScriptedChat(script))
    with pytest.raises(ModelTimeout):
        await model.complete(asking())
    with store.database.reading() as session:
        row = session.scalars(select(CallRow)).one()
        assert (row.outcome, row.error, row.text) == ("failed", "no answer within 120 s", None)
    assert ledger.spent == Spent()

    assert (await model.complete(asking())).text == "4"

    with store.database.reading() as session:
        row = session.scalars(select(CallRow)).one()
        assert (row.outcome, row.error, row.text, row.role) == ("ok", None, "4", "student")
    assert ledger.spent.calls == 1


async def test_owners_have_accounts_of_their_own(calls: CallStore) -> None:
    await Ledger(calls, OWNER).around(ScriptedChat(lambda r: "4")).complete(asking())

    assert Ledger(calls, Owner("proj_default", None, "job_2")).spent == Spent()


async def test_an_unknown_price_is_counted_and_not_taken_for_nothing(calls: CallStore) -> None:
    ledger = Ledger(calls, OWNER, Budget(calls=5))

    await ledger.around(ScriptedChat(lambda r: "4", usd_per_token=None)).complete(asking())

    assert (ledger.spent.calls, ledger.spent.unpriced, ledger.spent.cost_usd) == (1, 1, 0.0)


def test_a_budget_in_dollars_is_refused_at_the_start_where_the_price_is_not_known(calls: CallStore) -> None:
    ledger = Ledger(calls, OWNER, Budget(usd=1.0))

    with pytest.raises(
        BadSetting, match=r"price of 'mystery' is not known: give a budget in tokens or calls"
    ):
        ledger.around(ScriptedChat(lambda r: "4", name="mystery", usd_per_token=None))


@pytest.mark.parametrize("value", [-1, float("nan")])
def test_a_budget_that_is_no_limit_is_refused(value: float) -> None:
    with pytest.raises(BadSetting, match=r"budget usd is .*: it must be a number of 0 or more"):
        Budget(usd=value)


WORST = worst_case_prompt_tokens(asking()) + 10


@pytest.mark.parametrize(
    ("budget", "fits", "told"),
    [
        (Budget(calls=3), 3, "budget of 3 calls reached: the next call may bring it to 4"),
        (Budget(calls=0), 0, "budget of 0 calls reached"),
        (Budget(tokens=WORST - 1), 0, f"budget of {WORST - 1} tokens reached: the next call may bring it to {WORST}"),
        (Budget(tokens=WORST), 1, "tokens reached"),
        (Budget(tokens=WORST + 2 * 5), 3, "tokens reached"),  # a call really takes 4 + 1 tokens
        (Budget(usd=(WORST - 1) / 100), 0, r"budget of \$0.\d+ reached"),
        (Budget(usd=WORST / 100), 1, "may bring it to"),
    ],
)  # fmt: skip
async def test_the_worst_case_of_a_call_must_fit_before_it_begins(
    calls: CallStore, budget: Budget, fits: int, told: str
) -> None:
    inner = ScriptedChat(lambda request: "4", usd_per_token=0.01)
    model = Ledger(calls, OWNER, budget).around(inner)

    for number in range(fits):
        await model.complete(asking(number))
    with pytest.raises(BudgetExhausted, match=told):
        await model.complete(asking(fits))

    assert len(inner.requests) == fits


@dataclass
class Greedy:
    """A model that always takes the whole worst case, after a while."""

    answered: int = 0

    name = "greedy"

    def price(self, prompt_tokens: int, completion_tokens: int) -> float:
        return 0.01 * (prompt_tokens + completion_tokens)

    async def complete(self, request: ChatRequest) -> Reply:
        await asyncio.sleep(0.001 * (self.answered % 3))
        self.answered += 1
        prompt = worst_case_prompt_tokens(request)
        usage = Usage(prompt, request.max_tokens, self.price(prompt, request.max_tokens))
        return Reply("4", self.name, usage)


@pytest.mark.parametrize(
    ("budget", "fits"),
    [(Budget(calls=5), 5), (Budget(tokens=WORST * 5 + 1), 5), (Budget(usd=WORST * 0.055), 5)],
)
async def test_a_budget_is_not_exceeded_by_calls_at_once(calls: CallStore, budget: Budget, fits: int) -> None:
    model = Greedy()
    ledger = Ledger(calls, OWNER, budget)
    ledgered = ledger.around(model)

    results = await asyncio.gather(*(ledgered.complete(asking(n)) for n in range(9)), return_exceptions=True)

    assert model.answered == ledger.spent.calls == fits
    assert sum(isinstance(r, BudgetExhausted) for r in results) == 9 - fits
    assert budget.tokens is None or ledger.spent.tokens <= budget.tokens
    assert budget.usd is None or ledger.spent.cost_usd <= budget.usd


async def test_a_call_waits_for_what_calls_in_flight_may_leave_over(calls: CallStore) -> None:
    """Together their worst cases do not fit; what they really take does."""
    model = ScriptedChat(lambda request: "4", latency=0.005)
    ledgered = Ledger(calls, OWNER, Budget(tokens=WORST + 5 * 5)).around(model)

    replies = await asyncio.gather(*(ledgered.complete(asking(n)) for n in range(6)))

    assert [reply.text for reply in replies] == ["4"] * 6


async def test_a_call_that_fails_gives_its_reservation_back(calls: CallStore) -> None:
    def refuse_once(request: ChatRequest) -> str:
        if ":s0:" in request.call_key:
            raise ModelRefused("no")
        return "4"

    model = Ledger(calls, OWNER, Budget(calls=1)).around(ScriptedChat(refuse_once))
    with pytest.raises(ModelRefused):
        await model.complete(asking(0))

    assert (await model.complete(asking(1))).text == "4"


class SlowToAdd(CallStore):
    """A store whose first sum is old by the time it arrives."""

    first = True

    def spent(self, owner_id: str) -> Spent:
        spent = super().spent(owner_id)
        if spent.calls == 1 and self.first:
            self.first = False
            time.sleep(0.1)
        return spent


async def test_an_old_sum_never_takes_the_place_of_a_newer_one(store: Store) -> None:
    ledger = Ledger(SlowToAdd(store.database), OWNER)
    quick, slow = ScriptedChat(lambda r: "4"), ScriptedChat(lambda r: "4", latency=0.03)

    await asyncio.gather(ledger.around(quick).complete(asking(1)), ledger.around(slow).complete(asking(2)))

    assert ledger.spent == store.calls.spent("job_1")
    assert ledger.spent.calls == 2


@given(st.text(), st.integers(0, 3))
def test_the_worst_case_bounds_the_estimate_and_counts_each_image(text: str, images: int) -> None:
    text = text.encode("utf-8", "replace").decode()
    pictures = tuple(Image("a", "image/png", b"") for _ in range(images))
    bare = ChatRequest("j:0:s:student:0", (Message("user", (text,)),), 1)
    drawn = ChatRequest("j:0:s:student:0", (Message("user", (*pictures, text)),), 1)

    assert worst_case_prompt_tokens(bare) >= estimated_tokens(text)
    assert worst_case_prompt_tokens(drawn) - worst_case_prompt_tokens(bare) == images * IMAGE_TOKENS


def test_a_schema_is_part_of_the_worst_case() -> None:
    """Providers count it as part of the prompt."""
    with_schema = ChatRequest(asking().call_key, asking().messages, 10, schema={"type": "object"})

    assert worst_case_prompt_tokens(with_schema) - worst_case_prompt_tokens(asking()) == len(
        '{"type": "object"}'
    )
