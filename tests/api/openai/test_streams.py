"""Streams by OpenAI's client: chunks as they come, usage, tool calls, early and late failures, callers who leave."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from ted.completion_ledger import LEFT
from tests.api_desk import PRINTER, QUESTION
from tests.blanks import Blank
from tests.openai_face import ADVICE, MODEL, STUDENT, Face, face_with, until
from tests.openai_models import CALLS, SAID, WORDS_OF_A_LONG_ANSWER
from tests.upstream import Upstream


def streamed(face: Face, text: str = QUESTION, **more: Any) -> list[ChatCompletionChunk]:
    """All chunks of an answer."""
    messages: list[Any] = [{"role": "user", "content": text}]
    with face.client() as client:
        asked: dict[str, Any] = {"model": MODEL, "messages": messages, "stream": True, **more}
        return list(client.chat.completions.create(**asked))


def text_of(chunks: list[ChatCompletionChunk], choice: int = 0) -> str:
    """What one choice says."""
    pieces = (c for chunk in chunks for c in chunk.choices if c.index == choice)
    return "".join(piece.delta.content or "" for piece in pieces)


def test_a_stream_comes_in_the_providers_own_chunks(face: Face) -> None:
    chunks = streamed(face)

    assert text_of(chunks) == SAID
    assert len(chunks) == len(SAID.split()) + 2
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert {chunk.model for chunk in chunks} == {MODEL}
    assert face.provider.bodies[-1]["messages"] == [
        {"role": "user", "content": ADVICE},
        {"role": "user", "content": QUESTION},
    ]


async def test_an_async_client_is_streamed_to_alike(face: Face) -> None:
    async with face.async_client() as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}], stream=True
        )
        chunks = [chunk async for chunk in stream]

    assert text_of(chunks) == SAID


def test_on_the_wire_a_stream_is_events_that_end_with_done(face: Face) -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    with face.http() as client:
        response = client.post("/v1/chat/completions", json=body)

    assert response.headers["Content-Type"].startswith("text/event-stream")
    events = response.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(json.loads(event.removeprefix("data: ")) for event in events[:-2])


def test_usage_is_told_when_it_is_asked_for_and_in_the_ledger_always(face: Face) -> None:
    asked = streamed(face, stream_options={"include_usage": True})
    asked_call = face.all_calls()[-1]
    unasked = streamed(face)
    unasked_call = face.all_calls()[-1]

    usage = asked[-1].usage
    assert usage is not None
    assert asked[-1].choices == []
    assert usage.prompt_tokens == len(f"{ADVICE} {QUESTION}".split())
    assert all(chunk.usage is None for chunk in [*asked[:-1], *unasked])
    assert len(unasked) == len(asked) - 1
    for call in (asked_call, unasked_call):
        assert (call.prompt_tokens, call.completion_tokens) == (usage.prompt_tokens, usage.completion_tokens)
        assert call.text == SAID


def test_headers_come_before_the_first_chunk_and_the_answer_is_kept_at_its_end(face: Face) -> None:
    with (
        face.client() as client,
        face.http() as http,
        client.chat.completions.with_streaming_response.create(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}], stream=True
        ) as response,
    ):
        headers = response.headers
        assert "".join(response.iter_lines()).endswith("data: [DONE]")
        kept = http.get(f"/v1/answers/{headers['X-TED-Answer-Id']}").json()

    (used,) = kept["experiences"]
    assert (kept["text"], used["id"]) == (SAID, headers["X-TED-Experience-Ids"])
    assert (headers["X-TED-Abstained"], used["content"]) == ("false", PRINTER["content"])
    assert float(headers["X-TED-Similarity"]) > 0.3
    assert int(headers["X-TED-Tokens-Injected"]) > 10


def test_the_first_chunk_tells_of_the_experiences_when_it_is_asked_to(face: Face) -> None:
    first, *others = streamed(face, extra_body={"include": ["ted"]})

    assert (first.model_extra or {})["ted"]["experiences"][0]["content"] == PRINTER["content"]
    assert not any("ted" in (chunk.model_extra or {}) for chunk in others)


def test_tool_calls_are_streamed_piece_by_piece(face: Face) -> None:
    tool: Any = {"type": "function", "function": {"name": "queue_of", "parameters": {"type": "object"}}}

    chunks = streamed(face, "call the tools", tools=[tool])

    pieces = [call for chunk in chunks for c in chunk.choices for call in c.delta.tool_calls or ()]
    arguments = ["", ""]
    for piece in pieces:
        assert piece.function is not None
        arguments[piece.index] += piece.function.arguments or ""
    assert [piece.id for piece in pieces if piece.id] == ["call_1", "call_2"]
    assert arguments == [call["function"]["arguments"] for call in CALLS]  # type: ignore[index]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    assert json.loads(face.all_calls()[-1].text or "") == [{"tool_calls": CALLS}]


def test_several_choices_are_streamed_with_an_end_each(face: Face) -> None:
    chunks = streamed(face, n=2)

    assert [text_of(chunks, n) for n in range(2)] == ["choice 0", "choice 1"]
    ends = [c.index for chunk in chunks for c in chunk.choices if c.finish_reason]
    assert ends == [0, 1]


@pytest.mark.parametrize(
    ("status", "raised"),
    [(400, openai.BadRequestError), (429, openai.RateLimitError), (503, openai.InternalServerError)],
)
def test_a_failure_before_the_first_chunk_keeps_its_status(
    face: Face, status: int, raised: type[openai.APIStatusError]
) -> None:
    with pytest.raises(raised, match="as it was told"):
        streamed(face, f"provider says {status}")


def test_a_stream_that_breaks_off_says_so_and_is_not_asked_for_again(face: Face) -> None:
    before = len(face.provider.bodies)
    heard = []
    messages: list[Any] = [{"role": "user", "content": "break off"}]
    with face.client() as client:
        stream = client.chat.completions.create(model=MODEL, messages=messages, stream=True)

        with pytest.raises(openai.APIError, match="broke off its answer") as broken:
            heard += list(stream)

    assert (broken.value.code, broken.value.type) == ("provider_failed", "server_error")
    assert len(face.provider.bodies) == before + 1
    last = face.all_calls()[-1]
    assert last.outcome == "failed"
    assert "broke off" in (last.error or "")


@pytest.mark.parametrize("model", [MODEL, STUDENT])
def test_a_caller_who_leaves_a_stream_ends_the_call(face: Face, model: str) -> None:
    messages: list[Any] = [{"role": "user", "content": "a long answer"}]
    with face.client() as client:
        stream = client.chat.completions.create(model=model, messages=messages, stream=True)
        heard = [next(iter(stream)) for _ in range(3)]
        stream.close()

    replied = len(face.provider.events("received"))
    until(lambda: len(face.provider.events("replied")) == replied)
    assert face.provider.events("replied")[-1]["status"] == "gone"
    assert len(heard) < WORDS_OF_A_LONG_ANSWER
    until(lambda: face.all_calls()[-1].error == LEFT)


def test_a_caller_who_leaves_before_the_answer_ends_the_call(face: Face) -> None:
    asked = len(face.provider.bodies)

    async def leave() -> None:
        async with face.async_client() as client:
            waiting = asyncio.create_task(
                client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "slow"}])
            )
            await asyncio.to_thread(until, lambda: len(face.provider.bodies) > asked)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(leave())

    until(lambda: face.all_calls()[-1].error == LEFT)
    assert face.all_calls()[-1].outcome == "failed"
    until(lambda: len(face.provider.events("replied")) == asked + 1)
    assert face.provider.events("replied")[-1]["status"] == "gone"


def test_a_stream_that_falls_silent_ends_with_an_error(
    tmp_path: Path, blank: Blank, provider: Upstream
) -> None:
    messages: list[Any] = [{"role": "user", "content": "fall silent"}]
    with face_with(tmp_path, blank, provider, timeout=3.0) as face, face.client() as client:
        stream = client.chat.completions.create(model=MODEL, messages=messages, stream=True)

        with pytest.raises(openai.APIError, match="said nothing more for 3 s") as silent:
            list(stream)

    assert silent.value.code == "provider_timed_out"


def test_a_call_that_was_left_makes_room_for_another(
    tmp_path: Path, blank: Blank, provider: Upstream
) -> None:
    messages: list[Any] = [{"role": "user", "content": "a long answer"}]
    with face_with(tmp_path, blank, provider, concurrency=1) as face, face.client() as client:
        for _ in range(3):
            stream = client.chat.completions.create(model=MODEL, messages=messages, stream=True)
            next(iter(stream))
            stream.close()

        assert face.ask(QUESTION).choices[0].message.content == SAID
