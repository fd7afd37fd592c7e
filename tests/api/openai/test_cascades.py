"""A bank's cascade for OpenAI's clients: who answered is told, a stream begins when it is decided, tools go without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from ted.bank.answers import AnswerStore
from tests.api.openai.test_streams import streamed, text_of
from tests.api_desk import QUESTION
from tests.blanks import Blank
from tests.openai_face import MODEL, Face, face_with
from tests.openai_models import CALLS, SAID
from tests.upstream import Upstream

UNSURE = f"{QUESTION} The draws differ."
TOOLS: list[Any] = [{"type": "function", "function": {"name": "queue_of", "parameters": {"type": "object"}}}]


@pytest.fixture(scope="module")
def cascade(tmp_path_factory: pytest.TempPathFactory, blank: Blank, provider: Upstream) -> Iterator[Face]:
    """A server whose bank escalates and harvests."""
    with face_with(tmp_path_factory.mktemp("cascade"), blank, provider) as face:
        with face.http() as client:
            wanted = {"cascade": {"escalate": "on_disagreement", "harvest": True}}
            client.patch("/v1/banks/desk", json=wanted).raise_for_status()
        yield face


def asked(face: Face, text: str, **more: Any) -> Any:
    """The response with its headers."""
    with face.client() as client:
        messages: list[Any] = [{"role": "user", "content": text}]
        return client.chat.completions.with_raw_response.create(model=MODEL, messages=messages, **more)


def sent_since(face: Face, before: int) -> list[Any]:
    return [(b["model"], b.get("temperature"), b.get("seed")) for b in face.provider.bodies[before:]]


def test_where_its_completions_agree_the_student_answers(cascade: Face) -> None:
    before = len(cascade.provider.bodies)

    response = asked(cascade, QUESTION)

    completion = response.parse()
    assert completion.choices[0].message.content == SAID
    assert (response.headers["X-TED-Escalated"], response.headers["X-TED-Agreement"]) == ("false", "1.0000")
    assert sent_since(cascade, before) == [("student", 0.7, None)] * 3
    bodies = cascade.provider.bodies[before:]
    assert completion.usage.prompt_tokens > max(len(str(body["messages"])) for body in bodies) / 8


def test_where_they_differ_the_teacher_does_without_the_advice(cascade: Face) -> None:
    before = len(cascade.provider.bodies)

    response = asked(cascade, UNSURE, seed=7, temperature=0, extra_body={"include": ["ted"]})

    completion = response.parse()
    assert completion.choices[0].message.content == "Guessed.\nAnswer: FX-31"
    assert (completion.model, response.headers["X-TED-Escalated"]) == (MODEL, "true")
    assert sorted(sent_since(cascade, before)[:3]) == [("student", 0.7, 7 + n) for n in range(3)]
    assert sent_since(cascade, before)[3:] == [("teacher", 0, 7)]
    assert cascade.provider.bodies[-1]["messages"] == [{"role": "user", "content": UNSURE}]
    told = completion.model_extra["ted"]
    assert (told["escalated"], told["cascade"]["answers"]) == (True, ["7", "8", "9"])
    assert told["cascade"]["teacher"]["model"] == "openai/teacher"
    kept = _answers(cascade).get(told["answer_id"])
    assert (kept.escalated, kept.harvested, kept.answered_by) == (True, True, "openai/teacher")
    assert (kept.final_answer, kept.text) == ("FX-31", "Guessed.\nAnswer: FX-31")
    assert {call.role for call in cascade.calls(told["answer_id"])} == {"student", "teacher"}


def _answers(face: Face) -> AnswerStore:
    return face.service.ted.answers


def test_a_stream_begins_when_it_is_decided(cascade: Face) -> None:
    chunks = streamed(cascade, UNSURE, seed=7, stream_options={"include_usage": True})

    assert text_of(chunks) == "Guessed.\nAnswer: FX-31"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks[:-1]] == [None, "stop"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens > 0
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert streamed(cascade, UNSURE, seed=7)[-1].usage is None


def test_a_failure_before_that_has_its_status(cascade: Face) -> None:
    with pytest.raises(openai.APIStatusError) as failed:
        streamed(cascade, "provider says 401")

    assert failed.value.status_code == 502


@pytest.mark.parametrize(
    ("more", "text"),
    [({"tools": TOOLS}, "call the tools"), ({"n": 2}, QUESTION), ({"logprobs": True}, QUESTION)],
)
def test_what_cannot_be_compared_goes_to_the_student_alone(
    cascade: Face, more: dict[str, Any], text: str
) -> None:
    before = len(cascade.provider.bodies)

    response = asked(cascade, text, **more)

    assert sent_since(cascade, before) == [("student", None, None)]
    assert response.headers["X-TED-Escalated"] == "false"
    assert "X-TED-Agreement" not in response.headers
    assert len(response.parse().choices[0].message.tool_calls or ()) == (len(CALLS) if "tools" in more else 0)


def test_a_conversation_of_several_turns_is_not_harvested(cascade: Face) -> None:
    messages: list[Any] = [
        {"role": "user", "content": "Of printers, please."},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": UNSURE},
    ]
    with cascade.client() as client:
        told = client.chat.completions.create(
            model=MODEL, messages=messages, seed=7, extra_body={"include": ["ted"]}
        ).model_extra

    assert told is not None
    kept = _answers(cascade).get(told["ted"]["answer_id"])
    assert (kept.escalated, kept.harvested) == (True, False)


def test_without_a_teacher_the_bank_cannot_be_asked_until_one_is_there(
    tmp_path: Path, blank: Blank, provider: Upstream, cascade: Face
) -> None:
    with face_with(tmp_path, blank, provider, teacher="") as face:
        ted = face.service.ted
        theirs = cascade.service.ted.banks.settings(cascade.service.ted.banks.find("desk")).cascade
        from dataclasses import replace

        ted.banks.change(ted.banks.find("desk"), lambda settings: replace(settings, cascade=theirs))

        with pytest.raises(openai.UnprocessableEntityError, match="TED_TEACHER"):
            face.ask(QUESTION)
