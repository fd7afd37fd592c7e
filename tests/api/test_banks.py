"""/v1/banks: made, listed in pages, shown, changed on a condition, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from ted.bank.tables import BankRow
from tests.api_desk import Desk, check_problem


def test_a_bank_is_made_with_the_settings_given_and_the_defaults_for_the_others(client: TestClient) -> None:
    sent = {
        "name": "desk",
        "description": "Queues.",
        "retrieval": {"k": 2, "min_similarity": 0.3},
        "capacity": {"max_experiences": 50},
        "metadata": {"owner": ["me"]},
    }

    response = client.post("/v1/banks", json=sent)

    bank = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v1/banks/{bank['id']}"
    assert bank["retrieval"] == {"k": 2, "gap": 0.05, "min_similarity": 0.3, "token_budget": 600}
    assert bank["capacity"] == {"max_experiences": 50, "max_tokens": 20_000}
    assert (bank["description"], bank["metadata"]) == ("Queues.", {"owner": ["me"]})
    assert (bank["text_embedder"], bank["image_embedder"]) == ("hashing@1:256", None)
    assert (bank["revision"], bank["experiences"]) == (0, 0)
    assert client.get(f"/v1/banks/{bank['id']}").json() == bank
    assert client.get("/v1/banks/desk").json() == bank


@pytest.mark.parametrize(
    ("sent", "loc"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "a@b"}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        ({"name": "b", "text_embedder": "clip"}, ["text_embedder"]),
        ({"name": "b", "retrieval": {"k": 0}}, ["retrieval", "k"]),
        ({"name": "b", "retrieval": {"mode": "all"}}, ["retrieval", "mode"]),
        ({"name": "b", "capacity": {"max_experiences": 0}}, ["capacity", "max_experiences"]),
        ({"name": "b", "metadata": []}, ["metadata"]),
    ],
)
def test_a_bank_that_cannot_be_is_refused_by_its_field(
    still_desk: Desk, sent: dict[str, Any], loc: list[str]
) -> None:
    response = still_desk.client.post("/v1/banks", json=sent)

    check_problem(response, 422, "validation_failed", ["body", *loc])


def test_a_name_that_is_taken_is_a_conflict(desk: Desk) -> None:
    desk.client.post("/v1/banks", json={"name": "other"}).raise_for_status()

    check_problem(desk.client.post("/v1/banks", json={"name": "desk"}), 409, "conflict")
    check_problem(desk.client.patch("/v1/banks/other", json={"name": "desk"}), 409, "conflict")


def test_banks_are_listed_in_pages_in_either_order(client: TestClient) -> None:
    ids = [client.post("/v1/banks", json={"name": f"b{n}"}).json()["id"] for n in range(5)]

    def page(**query: Any) -> tuple[list[str], bool]:
        listed = client.get("/v1/banks", params=query).json()
        found = [bank["id"] for bank in listed["data"]]
        assert listed["object"] == "list"
        assert (listed["first_id"], listed["last_id"]) == ((found[0], found[-1]) if found else (None, None))
        return found, listed["has_more"]

    assert page() == (ids, False)
    assert page(limit=2) == (ids[:2], True)
    assert page(limit=2, after=ids[1]) == (ids[2:4], True)
    assert page(limit=2, after=ids[3]) == (ids[4:], False)
    assert page(limit=2, before=ids[4]) == (ids[2:4], True)
    assert page(limit=9, after=ids[0], before=ids[3]) == (ids[1:3], False)
    assert page(limit=2, order="desc") == (ids[:2:-1], True)
    assert page(limit=2, order="desc", after=ids[3]) == (ids[2:0:-1], True)
    assert page(limit=2, order="desc", before=ids[1]) == ([ids[3], ids[2]], True)
    assert page(after=ids[4]) == ([], False)


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"order": "random"}])
def test_a_page_that_cannot_be_is_refused(still_desk: Desk, query: dict[str, Any]) -> None:
    response = still_desk.client.get("/v1/banks", params=query)

    check_problem(response, 422, "validation_failed", ["query", *query])


def test_a_change_leaves_what_it_does_not_name(desk: Desk) -> None:
    before = desk.client.get(desk.path).json()

    after = desk.client.patch(desk.path, json={"retrieval": {"k": 1}, "metadata": {"a": 1}}).json()

    assert after == before | {"retrieval": before["retrieval"] | {"k": 1}, "metadata": {"a": 1}}
    assert desk.client.get(desk.path).json() == after


def test_a_minimum_can_be_set_and_taken_back(desk: Desk) -> None:
    desk.client.patch(desk.path, json={"retrieval": {"min_similarity": 0.4}}).raise_for_status()

    after = desk.client.patch(desk.path, json={"retrieval": {"min_similarity": None}}).json()

    assert after["retrieval"]["min_similarity"] is None


def test_a_change_may_be_made_only_of_what_was_last_seen(desk: Desk) -> None:
    tag = desk.client.get(desk.path).headers["ETag"]

    first = desk.client.patch(desk.path, json={"description": "a"}, headers={"If-Match": tag})
    second = desk.client.patch(desk.path, json={"description": "b"}, headers={"If-Match": tag})
    third = desk.client.patch(
        desk.path, json={"description": "c"}, headers={"If-Match": f'"x", {first.headers["ETag"]}'}
    )

    assert first.status_code == 200
    check_problem(second, 412, "changed_meanwhile")
    assert third.json()["description"] == "c"


def test_a_deleted_bank_is_gone_with_all_that_was_in_it(desk: Desk) -> None:
    experience = desk.experiences()[0]["id"]
    answer = desk.ask().json()["id"]

    assert desk.client.delete(desk.path).status_code == 204

    for path in (desk.path, f"{desk.path}/experiences/{experience}", f"/v1/answers/{answer}"):
        check_problem(desk.client.get(path), 404, "not_found")
    check_problem(desk.client.delete(desk.path), 404, "not_found")


def test_a_name_may_be_used_again_after_its_bank_was_deleted(desk: Desk) -> None:
    desk.client.delete(desk.path).raise_for_status()

    desk.client.post("/v1/banks", json={"name": "desk"}).raise_for_status()

    assert desk.experiences() == []
    assert desk.ask().json()["abstained"] is True


def test_a_name_that_is_another_banks_id_does_not_hide_that_bank(desk: Desk) -> None:
    first = desk.client.get(desk.path).json()

    desk.client.post("/v1/banks", json={"name": first["id"]}).raise_for_status()

    assert desk.client.get(f"/v1/banks/{first['id']}").json()["name"] == "desk"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/experiences"),
        ("POST", "/experiences"),
        ("POST", "/retrieve"),
        ("POST", "/distillations"),
    ],
)
def test_another_projects_bank_is_not_there(desk: Desk, method: str, path: str) -> None:
    bodies = {
        "/experiences": {"when_to_use": "a", "content": "b"},
        "/retrieve": {"question": "?"},
        "/distillations": {"samples": [{"question": "?", "answer": "!"}]},
        "": {},
    }
    bank = desk.client.get(desk.path).json()
    desk.give_away(BankRow)

    for name in ("desk", bank["id"]):
        body = None if method in ("GET", "DELETE") else bodies[path]
        response = desk.client.request(method, f"/v1/banks/{name}{path}", json=body)
        check_problem(response, 404, "not_found")
    assert desk.client.get("/v1/banks").json()["data"] == []
    assert desk.client.get("/v1/admin/stats").json()["banks"] == 0
