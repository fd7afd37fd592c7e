"""LitellmCompletions beside the service: providers whose shape litellm translates, retries, what tools of MCP may not."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from ted.completion import CompletionRequest, Heard, Json
from ted.errors import ModelFailure, ModelRefusedRequest
from ted.litellm_chat import LitellmChat
from ted.litellm_completions import LitellmCompletions
from tests.openai_models import CALLS, SAID
from tests.upstream import HANG_UP, Upstream, running_upstream

OPENAI, TRANSLATED = "openai/student", "hosted_vllm/student"
TOOL: Json = {"type": "function", "function": {"name": "queue_of", "parameters": {"type": "object"}}}


def model_at(upstream: Upstream, name: str = OPENAI, **options: Any) -> LitellmCompletions:
    given = {"api_key": "test", "first_wait": 0.01, "timeout": 30, "usd_free": True, **options}
    return LitellmCompletions(LitellmChat(name, api_base=upstream.api_base, **given).calls)


def asking(text: str = "hello", **options: Any) -> CompletionRequest:
    return CompletionRequest("ans:0:0:student:0", ({"role": "user", "content": text},), options, {"top_k": 3})


async def heard(model: LitellmCompletions, request: CompletionRequest) -> Heard:
    """The whole of a stream."""
    whole = Heard()
    asked = CompletionRequest(
        request.call_key,
        request.messages,
        {**request.options, "stream_options": {"include_usage": True}},
        request.extra,
    )
    async with aclosing(model.completion_stream(asked)) as chunks:
        async for chunk in chunks:
            whole.take(chunk)
    return whole


@pytest.mark.parametrize("name", [OPENAI, TRANSLATED])
async def test_a_stream_says_what_the_whole_completion_says(name: str) -> None:
    with running_upstream("tests.openai_models:reply") as upstream:
        model = model_at(upstream, name)
        for request in (asking(), asking("call the tools", tools=[TOOL])):
            whole = Heard.whole(await model.completion(request))
            streamed = await heard(model, request)

            assert streamed.text == whole.text
            assert (streamed.first_text, streamed.completion_bytes) == (
                whole.first_text,
                whole.completion_bytes,
            )
            for usage in (streamed.usage, whole.usage):
                assert usage is not None
                assert usage["prompt_tokens"] == len(request.messages[0]["content"].split())
        assert whole.messages[0]["tool_calls"] == CALLS
        assert upstream.bodies[0]["top_k"] == 3


@pytest.mark.parametrize("name", [OPENAI, TRANSLATED])
@pytest.mark.parametrize("failure", [429, 500, HANG_UP])
async def test_until_the_first_chunk_a_passing_failure_is_tried_again(name: str, failure: int | str) -> None:
    with running_upstream("tests.openai_models:reply", failures=[failure]) as upstream:
        assert (await heard(model_at(upstream, name), asking())).text == SAID
        assert len(upstream.bodies) == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_one_layer_retries_so_attempts_are_requests(stream: bool) -> None:
    with running_upstream(failures=[500] * 9) as upstream:
        model = model_at(upstream, attempts=3)

        with pytest.raises(ModelFailure, match="failed 3 times"):
            await (heard(model, asking()) if stream else model.completion(asking()))

        assert len(upstream.bodies) == 3


async def test_a_refused_request_is_told_from_a_refused_key() -> None:
    with (
        running_upstream(failures=[400]) as upstream,
        pytest.raises(ModelRefusedRequest, match="does not suit"),
    ):
        await model_at(upstream).completion(asking())


async def test_the_key_is_in_no_error_of_a_stream() -> None:
    key = "hunter2-hunter2"
    with running_upstream(failures=[401]) as upstream, pytest.raises(ModelFailure) as raised:
        await heard(model_at(upstream, api_key=key), asking())

    assert "[key]" in str(raised.value)
    assert key not in str(raised.value)


async def test_a_tool_that_names_an_mcp_server_is_only_passed_on() -> None:
    tool = {
        "type": "mcp",
        "server_label": "x",
        "server_url": "litellm_proxy/mcp/x",
        "require_approval": "never",
    }
    with running_upstream("tests.openai_models:reply") as upstream:
        await model_at(upstream).completion(asking(tools=[tool]))

        assert upstream.bodies[0]["tools"] == [tool]


async def test_what_is_asked_is_not_changed_by_asking() -> None:
    request = asking(tools=[TOOL], stop="END")
    before = request.fingerprint
    with running_upstream("tests.openai_models:reply") as upstream:
        await model_at(upstream).completion(request)

    assert request.fingerprint == before


def test_a_fingerprint_is_over_all_that_is_sent() -> None:
    requests = [asking(), asking("other"), asking(seed=1), CompletionRequest("k", asking().messages, {}, {})]

    assert len({request.fingerprint for request in requests}) == 4


def test_pieces_of_tool_calls_are_put_together_by_their_index() -> None:
    whole = Heard()
    for delta in (
        {"tool_calls": [{"index": 1, "id": "b", "type": "function", "function": {"name": "g"}}]},
        {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f"}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {"tool_calls": [{"index": 10**9, "function": {"arguments": "{}"}}]},
        {"content": "half \ud800"},
    ):
        whole.take({"choices": [{"index": 0, "delta": delta}]})

    assert [call["function"]["name"] for call in whole.messages[0]["tool_calls"]] == ["f", "g"]
    assert whole.messages[0]["tool_calls"][1]["function"]["arguments"] == "{}"
    assert whole.first_text == "half ?"
