"""What goes wrong raises the exceptions of OpenAI's own client, and retrieval may fail without the caller failing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.api_desk import QUESTION
from tests.blanks import Blank
from tests.openai_face import MODEL, STUDENT, Face, face_with
from tests.openai_models import SAID
from tests.upstream import Upstream


@contextmanager
def face_whose_bank_is_of_another_embedder(
    folder: Path, blank: Blank, provider: Upstream, **changed: Any
) -> Iterator[Face]:
    """A server whose bank `old` cannot be searched here."""
    with face_with(folder, blank, provider, **changed) as face:
        face.service.ted.banks.create("old", text_fingerprint="minilm@1", image_fingerprint=None)
        yield face


@pytest.mark.parametrize("name", ["gpt-4o", "openai/student@nowhere", "openai/teacher", "openai/student@"])
def test_a_model_that_is_not_there_is_not_found(face: Face, name: str) -> None:
    with pytest.raises(openai.NotFoundError, match=name) as missing:
        face.ask("?", model=name)

    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize(
    ("status", "raised", "shown", "code"),
    [
        (400, openai.BadRequestError, 400, "provider_refused_request"),
        (413, openai.BadRequestError, 400, "provider_refused_request"),
        (401, openai.InternalServerError, 502, "provider_refused"),
        (404, openai.InternalServerError, 502, "provider_refused"),
        (429, openai.RateLimitError, 429, "provider_rate_limited"),
        (500, openai.InternalServerError, 502, "provider_failed"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_fails_raises_the_clients_own_exception(
    face: Face, status: int, raised: type[openai.APIStatusError], shown: int, code: str, stream: bool
) -> None:
    with pytest.raises(raised, match="as it was told") as failed:
        face.ask(f"provider says {status}", stream=stream)

    assert (failed.value.status_code, failed.value.code) == (shown, code)
    last = face.all_calls()[-1]
    assert (last.outcome, last.text) == ("failed", None)
    if status == 429:
        assert failed.value.response.headers["Retry-After"] == "1"


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_is_too_slow_is_a_gateway_timeout(
    tmp_path: Path, blank: Blank, provider: Upstream, stream: bool
) -> None:
    with (
        face_with(tmp_path, blank, provider, timeout=0.1) as face,
        pytest.raises(openai.InternalServerError) as late,
    ):
        face.ask("slow", stream=stream)

    assert (late.value.status_code, late.value.code) == (504, "provider_timed_out")


def test_an_answer_that_failed_is_not_kept(face: Face) -> None:
    with pytest.raises(openai.InternalServerError):
        face.ask(f"{QUESTION} provider says 401")

    with face.http() as http:
        assert http.get(f"/v1/answers/{face.all_calls()[-1].owner}").status_code == 404


@pytest.mark.parametrize("stream", [False, True])
def test_where_retrieval_fails_the_student_answers_alone_and_a_header_says_so(
    tmp_path: Path, blank: Blank, provider: Upstream, stream: bool
) -> None:
    with (
        face_whose_bank_is_of_another_embedder(tmp_path, blank, provider) as face,
        face.http() as http,
    ):
        body = {"model": "openai/student@old", "messages": [{"role": "user", "content": QUESTION}]}
        response = http.post("/v1/chat/completions", json={**body, "stream": stream})
        kept = http.get(f"/v1/answers/{response.headers['X-TED-Answer-Id']}").json()

    assert response.status_code == 200
    assert (response.headers["X-TED-Retrieval"], response.headers["X-TED-Abstained"]) == ("failed", "false")
    assert provider.bodies[-1]["messages"] == body["messages"]
    assert (kept["mode"], kept["text"], kept["experiences"]) == ("none", SAID, [])


def test_where_it_is_not_to_go_on_without_retrieval_it_is_refused(
    tmp_path: Path, blank: Blank, provider: Upstream
) -> None:
    with face_whose_bank_is_of_another_embedder(tmp_path, blank, provider, fail_open=False) as face:
        before = len(provider.bodies)

        with pytest.raises(openai.InternalServerError, match="TED_TEXT_EMBEDDER") as refused:
            face.ask(QUESTION, model="openai/student@old")

        assert (refused.value.status_code, refused.value.code) == (503, "retrieval_failed")
        assert len(provider.bodies) == before
        assert face.ask(QUESTION, model=STUDENT).choices[0].message.content == SAID
        assert face.ask(QUESTION, model=MODEL).choices[0].message.content == SAID
