"""The contract of ChatModel, run over LitellmChat against a real provider process and over its fake."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest

from ted.chat import ChatModel, ChatRequest, Message, ScriptedChat
from ted.errors import ModelFailure, ModelRefused
from ted.litellm_chat import LitellmChat
from tests.upstream import running_upstream

Maker = Callable[[str], ChatModel]


def _refuse(request: ChatRequest) -> str:
    raise ModelRefused("the messages are not to my liking")


SCRIPTS: dict[str, Callable[[ChatRequest], str]] = {
    "echo": lambda request: request.messages[-1].text,
    "empty": lambda request: "",
    "json": lambda request: json.dumps({"answer": request.messages[-1].text}),
    "bad-request": _refuse,
}


@pytest.fixture(params=["scripted", "litellm"])
def model_that(request: pytest.FixtureRequest) -> Iterator[Maker]:
    """Makes a model that follows a script by its name, for as long as the test runs."""
    if request.param == "scripted":
        yield lambda script: ScriptedChat(SCRIPTS[script])
        return
    upstreams = []

    def make(script: str) -> ChatModel:
        upstreams.append(running_upstream(script, latency=(0.0, 0.05)))
        api_base = upstreams[-1].__enter__().api_base
        return LitellmChat("openai/upstream", api_base=api_base, api_key="test", usd_free=True)

    yield make
    for upstream in upstreams:
        upstream.__exit__(None, None, None)


def asking(text: str, *, key: str = "job:1:s1:student:1") -> ChatRequest:
    return ChatRequest(key, (Message("system", ("Be brief.",)), Message("user", (text,))), max_tokens=50)


async def test_a_reply_carries_text_model_usage_and_cost(model_that: Maker) -> None:
    model = model_that("echo")

    reply = await model.complete(asking("two words"))

    assert (reply.text, reply.model) == ("two words", model.name)
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (4, 2)
    assert reply.usage.cost_usd == model.price(4, 2) == 0.0
    assert reply.seconds >= 0


async def test_an_empty_text_is_a_reply(model_that: Maker) -> None:
    reply = await model_that("empty").complete(asking("anything"))

    assert reply.text == ""
    assert reply.usage.completion_tokens == 0


async def test_concurrent_calls_get_their_own_answers(model_that: Maker) -> None:
    model = model_that("echo")
    texts = [f"question {number}" for number in range(12)]

    replies = await asyncio.gather(*(model.complete(asking(text, key=f"j:{text}")) for text in texts))

    assert [reply.text for reply in replies] == texts


async def test_a_schema_may_be_asked_for(model_that: Maker) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    request = ChatRequest("j:1", asking("hello").messages, max_tokens=50, schema=schema)

    reply = await model_that("json").complete(request)

    assert json.loads(reply.text) == {"answer": "hello"}


async def test_a_model_that_does_not_answer_is_a_model_failure(model_that: Maker) -> None:
    with pytest.raises(ModelFailure, match="not to my liking"):
        await model_that("bad-request").complete(asking("anything"))


def test_a_model_serves_one_event_loop_after_another(model_that: Maker) -> None:
    model = model_that("echo")

    replies = [asyncio.run(model.complete(asking(text))) for text in ("first", "second")]

    assert [reply.text for reply in replies] == ["first", "second"]


@pytest.mark.parametrize(
    "model", [ScriptedChat(SCRIPTS["echo"], usd_per_token=None), LitellmChat("openai/nobody-knows-it")]
)
def test_an_unknown_price_is_none(model: ChatModel) -> None:
    assert model.price(1000, 1000) is None
