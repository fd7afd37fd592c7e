"""/v1/answers: what was shown is what was found and what is kept, and everything that can go wrong."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image as pillow

from api.app import create_app
from ted.bank.tables import AnswerRow
from ted.settings import Settings
from tests.api_desk import PRINTER, QUESTION, Desk, check_problem
from tests.upstream import Upstream


def png_url() -> str:
    buffer = io.BytesIO()
    pillow.new("RGB", (4, 4), "red").save(buffer, format="PNG")
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"


def test_what_is_shown_is_what_was_found_and_sent(desk: Desk, provider: Upstream) -> None:
    response = desk.ask()

    answer = response.json()
    (used,) = answer["experiences"]
    assert response.status_code == 200
    assert (used["when_to_use"], used["content"]) == (PRINTER["when_to_use"], PRINTER["content"])
    assert used["id"] == desk.experiences()[0]["id"]
    assert (used["version"], used["shown"], used["cited"]) == (1, True, True)
    assert used["similarity"]["fused"] == used["similarity"]["text"] > 0.3
    sent = provider.bodies[-1]["messages"][-1]["content"]
    assert used["content"] in sent
    assert "FX-44" not in sent
    assert (answer["final_answer"], answer["abstained"], answer["model"]) == (
        "FX-31",
        False,
        "openai/student",
    )


def test_what_is_kept_is_what_was_answered(desk: Desk) -> None:
    answer = desk.ask().json()

    kept = desk.client.get(f"/v1/answers/{answer['id']}")

    assert kept.status_code == 200
    assert kept.json() == answer
    assert kept.json()["revision"] == 1
    assert kept.json()["question"] == QUESTION


def test_an_answer_tells_tokens_latency_and_that_its_price_is_not_known(desk: Desk) -> None:
    answer = desk.ask().json()

    usage, latency = answer["usage"], answer["latency_ms"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert answer["cost_usd"] is None
    stages = latency["embed"] + latency["retrieve"] + latency["model"]
    assert stages == pytest.approx(latency["total"])
    assert min(latency.values()) > 0


def test_an_answer_counts_as_usage_of_what_it_was_shown(desk: Desk) -> None:
    desk.ask()

    printer, badge, _ = desk.experiences()
    assert (printer["usage"]["shown"], printer["usage"]["cited"], badge["usage"]["shown"]) == (1, 1, 0)


def test_where_nothing_is_near_enough_the_answer_abstains(desk: Desk, provider: Upstream) -> None:
    answer = desk.ask(min_similarity=2).json()

    assert (answer["abstained"], answer["experiences"]) == (True, [])
    assert "<experiences>" not in str(provider.bodies[-1]["messages"])


def test_without_the_bank_nothing_is_shown_and_nothing_abstained(desk: Desk, provider: Upstream) -> None:
    answer = desk.ask(mode="none").json()

    assert (answer["mode"], answer["abstained"], answer["experiences"]) == ("none", False, [])
    assert "<experiences>" not in str(provider.bodies[-1]["messages"])


def test_k_bounds_how_many_are_shown(desk: Desk) -> None:
    desk.client.patch(desk.path, json={"retrieval": {"gap": 2}}).raise_for_status()

    counts = [len(desk.ask(k=k, min_similarity=-2).json()["experiences"]) for k in (1, 2, 50)]

    assert counts == [1, 2, 3]


def test_an_image_is_sent_and_kept_by_its_hash(desk: Desk, provider: Upstream) -> None:
    answer = desk.ask(images=[png_url()]).json()

    parts = provider.bodies[-1]["messages"][-1]["content"]
    assert [part["image_url"]["url"] for part in parts if part["type"] == "image_url"] == [png_url()]
    assert [len(sha256) for sha256 in answer["images"]] == [64]


def test_the_configured_student_may_be_named(desk: Desk) -> None:
    assert desk.ask(student="openai/student").status_code == 200


@pytest.mark.parametrize("other", ["openai/teacher", "gpt-4o", "openai/student@desk"])
def test_no_other_student_is_taken(still_desk: Desk, provider: Upstream, other: str) -> None:
    before = len(provider.bodies)

    body = check_problem(still_desk.ask(student=other), 422, "invalid_field", ["body", "student"])

    assert "'openai/student'" in body["detail"]
    assert len(provider.bodies) == before


@pytest.mark.parametrize(
    "field", ["stream", "harvest", "api_base", "base_url", "api_key", "extra_headers", "mock_response"]
)
def test_a_field_that_is_not_known_is_refused(still_desk: Desk, field: str) -> None:
    check_problem(still_desk.ask(**{field: "x"}), 422, "validation_failed", ["body", field])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("k", 0),
        ("k", 51),
        ("k", "2"),
        ("k", True),
        ("k", 1.5),
        ("min_similarity", 2.1),
        ("min_similarity", "high"),
        ("mode", "most"),
        ("question", " "),
        ("question", ""),
        ("question", 3),
        ("images", "data:"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_name(still_desk: Desk, field: str, value: Any) -> None:
    response = still_desk.client.post("/v1/answers", json={"bank": "desk", "question": "?", field: value})

    check_problem(response, 422, "validation_failed", ["body", field])


@pytest.mark.parametrize(
    "reference", ["/etc/passwd", "pictures/a.png", "file:///etc/passwd", "http://127.0.0.1/a.png", "data:,x"]
)
def test_an_image_that_is_no_data_url_is_refused_and_never_fetched(still_desk: Desk, reference: str) -> None:
    response = still_desk.ask(images=[png_url(), reference])

    body = check_problem(response, 422, "invalid_field", ["body", "images", 1])
    assert "data:image/png;base64" in body["detail"]


def test_half_a_surrogate_pair_is_refused(still_desk: Desk) -> None:
    raw = b'{"bank": "desk", "question": "what is \\ud800?"}'

    response = still_desk.client.post(
        "/v1/answers", content=raw, headers={"Content-Type": "application/json"}
    )

    check_problem(response, 422, "validation_failed", ["body", "question"])


def test_a_bank_that_is_not_there_is_not_found(still_desk: Desk) -> None:
    response = still_desk.client.post("/v1/answers", json={"bank": "other", "question": "?"})

    check_problem(response, 404, "not_found")


def test_an_answer_that_is_not_there_is_not_found(still_desk: Desk) -> None:
    check_problem(still_desk.client.get("/v1/answers/ans_none"), 404, "not_found")


def test_an_answer_of_another_project_is_not_found(desk: Desk) -> None:
    answer = desk.ask().json()
    desk.give_away(AnswerRow)

    check_problem(desk.client.get(f"/v1/answers/{answer['id']}"), 404, "not_found")


def test_a_provider_that_refuses_is_a_bad_gateway(still_desk: Desk) -> None:
    body = check_problem(still_desk.ask("provider says 401"), 502, "provider_refused")

    assert "API key" in body["detail"]


def test_a_provider_that_fails_is_a_bad_gateway(still_desk: Desk) -> None:
    check_problem(still_desk.ask("provider says 503"), 502, "provider_failed")


def test_a_provider_that_limits_the_rate_is_passed_on_with_how_long_to_wait(still_desk: Desk) -> None:
    response = still_desk.ask("provider says 429")

    body = check_problem(response, 429, "provider_rate_limited")
    assert response.headers["Retry-After"] == "1"
    assert body["error"]["type"] == "rate_limit_error"


def test_a_provider_that_is_too_slow_is_a_gateway_timeout(settings: Settings) -> None:
    with TestClient(create_app(settings.model_copy(update={"timeout": 0.1}))) as client:
        client.post("/v1/banks", json={"name": "desk"}).raise_for_status()

        response = Desk(client).ask("provider is slow")

    check_problem(response, 504, "provider_timed_out")


def test_an_answer_that_failed_is_not_kept_and_counts_nothing(desk: Desk) -> None:
    desk.ask(f"{QUESTION} provider says 401")

    assert desk.experiences()[0]["usage"]["shown"] == 0
    assert desk.client.get(f"/v1/admin{desk.path.removeprefix('/v1')}/stats").json()["answers"] == {}


def test_a_bank_of_another_embedder_is_not_ready(desk: Desk, settings: Settings) -> None:
    other = desk.service.ted.banks.create("other", text_fingerprint="minilm@1", image_fingerprint=None)

    for response in (
        desk.client.post("/v1/answers", json={"bank": "other", "question": "?"}),
        desk.client.post("/v1/banks/other/retrieve", json={"question": "?"}),
        desk.client.get(f"/v1/admin/banks/{other}/stats"),
    ):
        body = check_problem(response, 503, "store_mismatch")
        assert "'minilm@1'" in body["detail"]
    assert desk.client.get("/v1/banks/other").json()["text_embedder"] == "minilm@1"
