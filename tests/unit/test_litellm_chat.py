"""LitellmChat against a real provider process: retries, refusals, schemas, images, concurrency, keys."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import traceback
from base64 import b64encode
from typing import Any

import pytest

from ted.chat import ChatRequest, Message
from ted.chat_wire import client_request_id, response_format
from ted.errors import ModelFailure, ModelRateLimited, ModelRefused, ModelTimeout
from ted.litellm_chat import LitellmChat
from ted.sample import Image
from tests.upstream import HANG_UP, Upstream, running_upstream

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


def chat_at(upstream: Upstream, **options: Any) -> LitellmChat:
    given = {"api_key": "test", "first_wait": 0.01, "timeout": 30, "usd_free": True, **options}
    return LitellmChat("openai/upstream", api_base=upstream.api_base, **given)


def asking(
    text: str = "hello", *, key: str = "job:1:s1:student:1", schema: dict[str, Any] | None = None
) -> ChatRequest:
    return ChatRequest(key, (Message("user", (text,)),), max_tokens=50, temperature=0.7, schema=schema)


@pytest.mark.parametrize("failure", [429, 500, 503, 409, HANG_UP])
async def test_a_passing_failure_is_tried_again_once(failure: int | str) -> None:
    with running_upstream(failures=[failure]) as upstream:
        reply = await chat_at(upstream).complete(asking())

        assert reply.text == "hello"
        assert len(upstream.bodies) == 2


@pytest.mark.parametrize("failure", [429, 500])
async def test_one_layer_retries_so_attempts_are_requests(failure: int) -> None:
    with running_upstream(failures=[failure] * 20) as upstream:
        with pytest.raises(ModelFailure, match=f"'openai/upstream' failed 3 times: try later .*{failure}"):
            await chat_at(upstream, attempts=3).complete(asking())

        assert len(upstream.bodies) == 3


async def test_retry_after_is_waited_for() -> None:
    with running_upstream(failures=[429], retry_after="0.5") as upstream:
        await chat_at(upstream, first_wait=0.0).complete(asking())

        answered, asked_again = upstream.events("replied")[0], upstream.events("received")[1]
        assert asked_again["time"] > answered["time"] + 0.4


@pytest.mark.parametrize(("retry_after", "told"), [("0.01", 0.01), (None, None)])
async def test_a_rate_limit_that_lasts_tells_how_long_to_wait(
    retry_after: str | None, told: float | None
) -> None:
    with running_upstream(failures=[429] * 5, retry_after=retry_after) as upstream:
        with pytest.raises(ModelRateLimited) as limited:
            await chat_at(upstream, attempts=2).complete(asking())

        assert limited.value.retry_after == told


@pytest.mark.parametrize("retry_after", ["86400", "Fri, 31 Dec 2100 23:59:59 GMT"])
async def test_retry_after_is_capped(retry_after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ted.litellm_calls.LONGEST_WAIT", 0.01)
    with running_upstream(failures=[429], retry_after=retry_after) as upstream:
        assert (await chat_at(upstream).complete(asking())).text == "hello"


async def test_a_provider_that_is_too_slow_is_a_model_timeout() -> None:
    with running_upstream(latency=(60, 60)) as upstream:
        with pytest.raises(ModelTimeout, match="'openai/upstream' did not answer within 1 s, 2 times: raise"):
            await chat_at(upstream, timeout=1, attempts=2).complete(asking())

        assert len(upstream.bodies) == 2


async def test_a_provider_that_is_not_there_is_a_model_failure() -> None:
    with running_upstream() as upstream:
        gone = upstream

    with pytest.raises(ModelFailure, match="failed 2 times"):
        await chat_at(gone, attempts=2).complete(asking())


@pytest.mark.parametrize(("status", "advice"), [(400, "does not suit"), (404, "api_base"), (413, "suit")])
async def test_what_a_retry_does_not_mend_is_refused_at_once(status: int, advice: str) -> None:
    with running_upstream(failures=[status]) as upstream:
        with pytest.raises(ModelRefused, match=advice):
            await chat_at(upstream).complete(asking())

        assert len(upstream.bodies) == 1


@pytest.mark.parametrize("status", [401, 500])
async def test_the_key_is_in_no_error_and_no_traceback(status: int) -> None:
    key = "hunter2-hunter2"
    with running_upstream(failures=[status]) as upstream:
        model = chat_at(upstream, api_key=key, attempts=1)

        with pytest.raises(ModelFailure, match=r"your key is '.*\[key\]") as raised:
            await model.complete(asking())

    assert key not in "".join(traceback.format_exception(raised.value))


async def test_a_refused_schema_is_left_out_from_then_on() -> None:
    with running_upstream("no-schemas") as upstream:
        model = chat_at(upstream)

        texts = [(await model.complete(asking(schema=CLOSED))).text for _ in range(2)]

        assert texts == ["hello", "hello"]
        assert ["response_format" in body for body in upstream.bodies] == [True, False, False]


async def test_a_schema_is_not_blamed_for_another_refusal() -> None:
    with running_upstream("bad-request") as upstream:
        with pytest.raises(ModelRefused, match="not to my liking"):
            await chat_at(upstream).complete(asking(schema=CLOSED))

        assert ["response_format" in body for body in upstream.bodies] == [True]


def test_only_a_closed_schema_is_strict() -> None:
    open_inside = {**CLOSED, "properties": {"answer": {"type": "object", "properties": {"a": {}}}}}
    optional = {**CLOSED, "required": []}

    strict = [response_format(schema)["json_schema"]["strict"] for schema in (CLOSED, open_inside, optional)]

    assert strict == [True, False, False]


async def test_the_provider_is_sent_key_seed_temperature_and_bound() -> None:
    request = asking(key="job:1:süß:student:2")
    with running_upstream() as upstream:
        await chat_at(upstream).complete(request)

        (body,) = upstream.bodies
        assert body["messages"] == [{"role": "user", "content": "hello"}]
        assert (body["seed"], body["temperature"], body["max_tokens"]) == (request.seed, 0.7, 50)
        assert upstream.call_keys == ["job:1:s%C3%BC%C3%9F:student:2"]


def test_a_call_key_fits_a_header() -> None:
    assert client_request_id("a:b\r\nX: ä" + "x" * 600).isascii()
    assert len(client_request_id("x" * 600)) == 512


async def test_images_are_sent_as_data_urls_in_their_place() -> None:
    image = Image("0" * 64, "image/png", b"\x89PNG not really")
    message = Message("user", ("before", image, "after"))
    with running_upstream() as upstream:
        await chat_at(upstream).complete(ChatRequest("j:1", (message,), max_tokens=5))

        url = f"data:image/png;base64,{b64encode(image.data).decode()}"
        assert upstream.bodies[0]["messages"][0]["content"] == [
            {"type": "text", "text": "before"},
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "text", "text": "after"},
        ]


async def test_concurrency_is_bounded_and_each_call_is_made_once() -> None:
    keys = [f"job:1:s{number}:student:1" for number in range(12)]
    with running_upstream(latency=(0.05, 0.1)) as upstream:
        model = chat_at(upstream, concurrency=3)

        await asyncio.gather(*(model.complete(asking(key=key)) for key in keys))

        assert 1 < upstream.max_in_flight <= 3
        assert sorted(key or "" for key in upstream.call_keys) == sorted(keys)


async def test_usage_that_is_not_reported_is_estimated_from_bytes() -> None:
    with running_upstream("no-usage") as upstream:
        reply = await chat_at(upstream).complete(asking("x" * 40))

    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (10, 10)


async def test_a_closed_model_answers_when_called_again() -> None:
    with running_upstream() as upstream:
        model = chat_at(upstream)
        await model.complete(asking())

        await model.aclose()

        assert (await model.complete(asking())).text == "hello"


def test_prices_are_litellms_and_none_where_its_map_says_nothing_or_zero() -> None:
    mini = LitellmChat("gpt-4o-mini").price(1000, 100)

    assert mini is not None
    assert 0 < mini < 0.01
    assert LitellmChat("ollama/llama3").price(1000, 100) is None
    assert LitellmChat("openai/made-up").price(1000, 100) is None
    assert LitellmChat("openai/made-up", usd_free=True).price(1000, 100) == 0.0


def test_a_model_goes_by_the_name_it_is_served_under() -> None:
    assert LitellmChat("gpt-4o-mini").name == "gpt-4o-mini"
    assert LitellmChat("openai/x", served_name="local/x").name == "local/x"


def test_heavy_libraries_are_not_imported_before_they_are_needed() -> None:
    heavy = "{'litellm', 'openai', 'xllamacpp'}"
    code = f"import sys, ted.litellm_chat, ted.local_models.chat; sys.exit(bool({heavy} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
