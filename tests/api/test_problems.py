"""Every error has the one body, whatever it is and wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from fastapi.testclient import TestClient
from httpx import Response

import index.errors
import ted.errors
from api.app import LOOPBACK, create_app
from api.kinds import TABLE, kind_of
from ted.errors import ModelRateLimited
from ted.settings import Settings
from tests.api_desk import Desk, check_problem

JSON = {"Content-Type": "application/json"}


def test_every_class_of_both_trees_has_an_entry_of_its_own() -> None:
    classes = [
        value
        for module in (ted.errors, index.errors)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]

    assert len(classes) > 20
    assert [c.__name__ for c in classes if c not in TABLE] == []


def test_an_error_that_is_not_in_the_table_is_answered_as_its_parent() -> None:
    class Stranger(ModelRateLimited):
        pass

    assert kind_of(Stranger("slow down", retry_after=None)).status == 429


@pytest.mark.parametrize("raw", [b"{", b'{"question": }', b"[1, 2", b"nonsense", b'{"a": "\x01"}'])
def test_a_body_that_is_no_json_is_malformed(still_desk: Desk, raw: bytes) -> None:
    response = still_desk.client.post(f"{still_desk.path}/retrieve", content=raw, headers=JSON)

    assert "no JSON" in check_problem(response, 400, "malformed_json")["detail"]


@pytest.mark.parametrize("raw", [b'{"question": "\xff"}', b"[" * 40_000])
def test_a_body_that_cannot_be_decoded_is_malformed(still_desk: Desk, raw: bytes) -> None:
    response = still_desk.client.post(f"{still_desk.path}/retrieve", content=raw, headers=JSON)

    assert response.json()["code"] in ("malformed", "malformed_json")
    assert response.status_code == 400


@pytest.mark.parametrize("raw", [b"3", b"[]", b'"a"', b"null", b""])
def test_a_body_that_is_no_object_is_refused(still_desk: Desk, raw: bytes) -> None:
    response = still_desk.client.post(f"{still_desk.path}/retrieve", content=raw, headers=JSON)

    check_problem(response, 422, "validation_failed", ["body"])


@pytest.mark.parametrize("path", ["/v1/banks/desk/retrieve", "/v1/chat/completions"])
def test_a_body_of_another_type_is_told_what_to_send(still_desk: Desk, path: str) -> None:
    response = still_desk.client.post(path, content=b"question=a", headers={"Content-Type": "text/plain"})

    assert "application/json" in check_problem(response, 415, "unsupported_media_type")["detail"]


def test_a_whole_number_may_be_written_with_a_point(still_desk: Desk) -> None:
    def asked(k: float) -> Response:
        return still_desk.client.post(f"{still_desk.path}/retrieve", json={"question": "A printer?", "k": k})

    assert asked(2.0).status_code == 200
    check_problem(asked(2.5), 422, "validation_failed", ["body", "k"])


def test_a_path_that_is_not_there_is_not_found(still_desk: Desk) -> None:
    check_problem(still_desk.client.get("/v1/nothing"), 404, "not_found")


def test_a_method_that_is_not_there_is_told_which_are(still_desk: Desk) -> None:
    response = still_desk.client.put(still_desk.path, json={})

    check_problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "DELETE, GET, PATCH"


def test_a_body_that_says_it_is_too_large_is_refused(still_desk: Desk) -> None:
    response = still_desk.client.post("/v1/banks", json={"name": "a", "description": "x" * 100_000})

    assert "TED_MAX_BODY_BYTES" in check_problem(response, 413, "too_large")["detail"]


def test_a_body_that_does_not_say_so_is_counted_as_it_comes(still_desk: Desk) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b" " * 1000 for _ in range(200))

    response = still_desk.client.post("/v1/banks", content=pieces(), headers=JSON)

    check_problem(response, 413, "too_large")


def test_a_request_id_is_on_every_response_and_the_callers_if_it_is_fit(still_desk: Desk) -> None:
    def named(given: str | None, path: str = "/healthz") -> str:
        headers = {} if given is None else {"X-Request-ID": given}
        return still_desk.client.get(path, headers=headers).headers["X-Request-ID"]

    made = [named(None), named(None), named("a b"), named("x" * 101), named("")]
    assert len(set(made)) == 5
    assert all(request_id.startswith("req_") for request_id in made)
    assert [named("mine-1:2.3"), named("mine", "/v1/nothing"), named("mine", still_desk.path)] == [
        "mine-1:2.3",
        "mine",
        "mine",
    ]


def test_a_server_that_is_called_by_a_name_that_is_not_its_own_does_nothing(settings: Settings) -> None:
    app = create_app(settings, hosts=LOOPBACK)

    with TestClient(app, base_url="http://127.0.0.1:8321") as client:
        good = [
            client.get("/healthz", headers={"Host": h}) for h in ("localhost:1", "[::1]:8321", "127.0.0.1")
        ]
        evil = client.post("/v1/banks", json={"name": "a"}, headers={"Host": "evil.example:8321"})
        banks = client.get("/v1/banks").json()["data"]

    assert [response.status_code for response in good] == [200, 200, 200]
    check_problem(evil, 421, "misdirected")
    assert banks == []


def test_a_defect_of_ours_is_an_internal_error_that_tells_nothing_of_it(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/defect")
    def defect() -> None:
        raise ZeroDivisionError("the secret")

    with TestClient(app, raise_server_exceptions=False) as client:
        response = client.get("/defect", headers={"X-Request-ID": "mine"})

    body = check_problem(response, 500, "internal_error")
    assert body["request_id"] == "mine"
    assert "secret" not in response.text


def test_the_official_client_of_openai_raises_its_own_exceptions(still_desk: Desk) -> None:
    client = openai.OpenAI(
        api_key="none",
        base_url="http://testserver/v1",
        http_client=still_desk.client,
        max_retries=0,
    )

    with pytest.raises(openai.NotFoundError) as missing:
        client.get("/banks/none", cast_to=object)
    with pytest.raises(openai.UnprocessableEntityError) as unusable:
        client.post("/answers", cast_to=object, body={"bank": "desk"})

    assert missing.value.code == "not_found"
    assert "there is no bank 'none'" in missing.value.message
    assert unusable.value.param == "question"
