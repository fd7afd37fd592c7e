"""Chat completions by OpenAI's client: what the student is shown, what the caller is told, what is kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ted.tokens import estimated_tokens
from tests.api.test_answers import png_url
from tests.api_desk import PRINTER, QUESTION
from tests.blanks import Blank
from tests.openai_face import ADVICE, MODEL, STUDENT, Face, face_with
from tests.openai_models import CALLS, SAID
from tests.upstream import Upstream

FOREIGN = "xyzzy plugh"
TOOL = {
    "type": "function",
    "function": {
        "name": "queue_of",
        "description": "Looks it up.",
        "parameters": {"type": "object", "properties": {"thing": {"type": "string"}}, "required": ["thing"]},
    },
}
EARLIER: list[Any] = [
    {"role": "system", "content": "You are terse.\n\n  You sign with  »ö«. "},
    {"role": "developer", "content": [{"type": "text", "text": "Never guess."}]},
    {"role": "user", "content": "Hello,  who are you?\n", "name": "ann"},
    {"role": "assistant", "content": "The desk."},
    {"role": "user", "content": "And the fax?"},
    {"role": "assistant", "content": None, "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "call_1", "content": "FX-1"},
    {"role": "tool", "tool_call_id": "call_2", "content": "FX-2"},
    {"role": "assistant", "content": "Queue FX-2."},
]


def test_a_question_is_answered_with_the_advice_before_it(face: Face) -> None:
    completion = face.ask(QUESTION)

    assert completion.choices[0].message.content == SAID
    assert completion.choices[0].finish_reason == "stop"
    assert (completion.model, completion.object) == (MODEL, "chat.completion")
    assert face.provider.bodies[-1] == {
        "model": "student",
        "messages": [{"role": "user", "content": ADVICE}, {"role": "user", "content": QUESTION}],
    }


async def test_an_async_client_is_answered_alike(face: Face) -> None:
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    async with face.async_client() as client:
        asked = (client.chat.completions.create(model=MODEL, messages=messages) for _ in range(3))

        completions = await asyncio.gather(*asked)

    assert [completion.choices[0].message.content for completion in completions] == [SAID] * 3


def test_nothing_of_a_conversation_is_dropped_or_changed(face: Face) -> None:
    last = {
        "role": "user",
        "content": [
            {"type": "text", "text": QUESTION},
            {"type": "image_url", "image_url": {"url": png_url(), "detail": "low"}},
            {"type": "text", "text": " Be quick. "},
        ],
    }

    face.ask("", messages=[*EARLIER, last], tools=[TOOL], tool_choice="auto", parallel_tool_calls=False)

    sent = face.provider.bodies[-1]
    wanted = [*EARLIER, {"role": "user", "content": ADVICE}, last]
    assert json.dumps(sent["messages"]) == json.dumps(wanted)
    assert json.dumps(sent["tools"]) == json.dumps([TOOL])
    assert (sent["tool_choice"], sent["parallel_tool_calls"]) == ("auto", False)


def test_while_tools_are_called_the_advice_stays_before_the_last_user_turn(face: Face) -> None:
    turns = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": None, "tool_calls": CALLS[:1]},
        {"role": "tool", "tool_call_id": "call_1", "content": "FX-31"},
    ]

    face.ask("", messages=turns)

    assert face.provider.bodies[-1]["messages"] == [{"role": "user", "content": ADVICE}, *turns]


def test_the_student_alone_is_sent_what_was_sent_and_is_told_of_no_bank(face: Face) -> None:
    with face.client() as client:
        raw = client.chat.completions.with_raw_response.create(
            model=STUDENT, messages=[{"role": "user", "content": QUESTION}]
        )

    assert raw.parse().model == STUDENT
    assert face.provider.bodies[-1]["messages"] == [{"role": "user", "content": QUESTION}]
    assert [name for name in raw.headers if name.lower().startswith("x-ted")] == []
    last = face.all_calls()[-1]
    assert (last.bank_id, last.outcome, last.text) == (None, "ok", SAID)


@pytest.mark.parametrize("name", ["openai/student@{bank}", MODEL])
def test_a_bank_may_be_named_by_its_name_or_id(face: Face, name: str) -> None:
    bank_id = face.service.ted.banks.find("desk")

    face.ask(QUESTION, model=name.format(bank=bank_id))

    assert face.provider.bodies[-1]["messages"][0]["content"] == ADVICE


def test_headers_tell_what_was_shown(face: Face) -> None:
    with face.http() as client:
        body = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]}
        headers = client.post("/v1/chat/completions", json=body).headers
        shown = client.get(f"/v1/answers/{headers['X-TED-Answer-Id']}").json()["experiences"]

    assert headers["X-TED-Experience-Ids"] == shown[0]["id"]
    assert float(headers["X-TED-Similarity"]) == pytest.approx(shown[0]["similarity"]["fused"], abs=1e-4)
    assert int(headers["X-TED-Tokens-Injected"]) == estimated_tokens(ADVICE)
    assert (headers["X-TED-Abstained"], headers["X-TED-Retrieval"]) == ("false", "ok")


def test_where_nothing_is_near_enough_the_conversation_goes_on_as_it_was(face: Face) -> None:
    with face.client() as client:
        raw = client.chat.completions.with_raw_response.create(
            model=MODEL, messages=[{"role": "user", "content": FOREIGN}]
        )

    assert raw.headers["X-TED-Abstained"] == "true"
    assert (raw.headers["X-TED-Experience-Ids"], raw.headers["X-TED-Tokens-Injected"]) == ("", "0")
    assert face.provider.bodies[-1]["messages"] == [{"role": "user", "content": FOREIGN}]


@pytest.mark.parametrize("role", ["system", "user"])
def test_an_image_alone_is_searched_for_with_the_nearest_text_before_it(face: Face, role: str) -> None:
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": png_url()}}]}

    face.ask("", messages=[{"role": role, "content": QUESTION}, image])

    assert face.provider.bodies[-1]["messages"][-2:] == [{"role": "user", "content": ADVICE}, image]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": QUESTION}],
        [{"role": "user", "content": " "}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": png_url()}}]}],
    ],
)
def test_without_anything_to_search_by_the_bank_abstains(face: Face, messages: list[Any]) -> None:
    with face.client() as client:
        raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=messages)

    assert raw.headers["X-TED-Abstained"] == "true"
    assert face.provider.bodies[-1]["messages"] == messages


def test_the_body_tells_of_the_experiences_when_it_is_asked_to(face: Face) -> None:
    told = face.ask(QUESTION, extra_body={"include": ["ted"]}).model_extra
    untold = face.ask(QUESTION).model_extra

    assert told is not None
    (used,) = told["ted"]["experiences"]
    assert (used["when_to_use"], used["content"], used["label"]) == (
        PRINTER["when_to_use"],
        PRINTER["content"],
        "E1",
    )
    assert (told["ted"]["abstained"], told["ted"]["revision"]) == (False, 1)
    assert "ted" not in (untold or {})
    assert "include" not in face.provider.bodies[-2]


def test_tool_calls_come_back_as_the_student_made_them(face: Face) -> None:
    completion = face.ask("call the tools", tools=[TOOL])

    choice = completion.choices[0]
    calls = [call.model_dump() for call in choice.message.tool_calls or ()]
    assert calls == CALLS
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)


def test_several_choices_come_back(face: Face) -> None:
    completion = face.ask(QUESTION, n=3)

    said = [(choice.index, choice.message.content) for choice in completion.choices]
    assert said == [(0, "choice 0"), (1, "choice 1"), (2, "choice 2")]
    assert face.provider.bodies[-1]["n"] == 3


def test_usage_is_what_the_provider_told_and_so_is_the_ledger(face: Face) -> None:
    with face.client() as client:
        raw = client.chat.completions.with_raw_response.create(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}]
        )
    usage = raw.parse().usage

    words = len(f"{ADVICE} {QUESTION}".split())
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (words, len(SAID.split()))
    (call,) = face.calls(raw.headers["X-TED-Answer-Id"])
    assert (call.prompt_tokens, call.completion_tokens) == (usage.prompt_tokens, usage.completion_tokens)
    assert call.call_key == f"{raw.headers['X-TED-Answer-Id']}:0:0:student:0"
    assert face.provider.call_keys[-1] == call.call_key
    assert (call.role, call.outcome, call.model) == ("student", "ok", STUDENT)


def test_usage_that_was_not_told_is_not_made_up(face: Face) -> None:
    assert face.ask("tell no usage").usage is None
    assert face.all_calls()[-1].completion_tokens == len(SAID) // 4


def test_an_answer_is_kept_with_its_exposures(face: Face) -> None:
    with face.client() as client, face.http() as http:
        raw = client.chat.completions.with_raw_response.create(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}]
        )
        kept = http.get(f"/v1/answers/{raw.headers['X-TED-Answer-Id']}").json()

    usage = raw.parse().usage
    assert usage is not None
    assert (kept["question"], kept["text"], kept["final_answer"]) == (QUESTION, SAID, SAID)
    assert (kept["mode"], kept["revision"], kept["model"]) == ("retrieve", 1, STUDENT)
    assert [(e["content"], e["shown"], e["cited"]) for e in kept["experiences"]] == [
        (PRINTER["content"], True, None)
    ]
    assert kept["usage"]["total_tokens"] == usage.total_tokens


def test_what_is_kept_of_tool_calls_is_their_text_as_json(face: Face) -> None:
    with face.client() as client, face.http() as http:
        raw = client.chat.completions.with_raw_response.create(
            model=MODEL,
            messages=[{"role": "user", "content": "call the tools"}],
            tools=[TOOL],  # type: ignore[list-item]
        )
        kept = http.get(f"/v1/answers/{raw.headers['X-TED-Answer-Id']}").json()

    assert json.loads(kept["text"]) == [{"tool_calls": CALLS}]
    assert kept["final_answer"] == ""


def test_the_cost_is_told_where_the_price_is_known(tmp_path: Path, blank: Blank, provider: Upstream) -> None:
    with face_with(tmp_path, blank, provider, student="openai/gpt-4o-mini") as priced:
        with priced.client() as client:
            raw = client.chat.completions.with_raw_response.create(
                model="openai/gpt-4o-mini@desk", messages=[{"role": "user", "content": QUESTION}]
            )
        (call,) = priced.calls(raw.headers["X-TED-Answer-Id"])

    assert call.cost_usd
    assert float(raw.headers["X-TED-Cost-USD"]) == pytest.approx(call.cost_usd, abs=1e-8)
