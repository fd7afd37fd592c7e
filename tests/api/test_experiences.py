"""/v1/banks/{bank}/experiences: added, listed, edited on a condition, retired, restored, and their histories."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.test_answers import png_url
from tests.api_desk import BADGE, PRINTER, QUESTION, Desk, check_problem


def hits(desk: Desk, question: str = QUESTION, **more: Any) -> list[str]:
    """The contents that the bank has for a question."""
    response = desk.client.post(f"{desk.path}/retrieve", json={"question": question, **more})
    return [hit["content"] for hit in response.json()["hits"]]


def test_an_experience_is_added_with_its_keys_and_found(desk: Desk) -> None:
    sent = {
        "when_to_use": "The coffee machine leaks.",
        "content": "FX-90",
        "questions": ["Coffee on the floor: which queue?"],
        "images": [png_url()],
        "tags": ["kitchen"],
    }

    response = desk.client.post(f"{desk.path}/experiences", json=sent)

    added = response.json()
    assert response.status_code == 201
    assert response.headers["Location"].endswith(f"/experiences/{added['id']}")
    assert [key["kind"] for key in added["keys"]] == ["when_to_use", "question", "image"]
    assert (added["status"], added["version"], added["tags"]) == ("active", 1, ["kitchen"])
    assert desk.client.get(f"{desk.path}/experiences/{added['id']}").json() == added
    assert hits(desk, "Coffee on the floor: which queue?") == ["FX-90"]


def test_of_many_each_is_added_or_refused_by_itself_in_one_revision(desk: Desk) -> None:
    sent = [
        BADGE | {"content": "1"},
        {"when_to_use": "x"},
        BADGE | {"images": ["/etc/passwd"]},
        BADGE | {"surplus": 1},
        3,
        BADGE | {"content": "2", "tags": []},
    ]

    response = desk.client.post(f"{desk.path}/experiences", json={"experiences": sent})

    body = response.json()
    assert response.status_code == 200
    assert (body["created"], body["refused"]) == (2, 4)
    assert [item["index"] for item in body["data"]] == list(range(6))
    assert [item["status"] for item in body["data"]] == [201, 422, 422, 422, 422, 201]
    assert [body["data"][n]["experience"]["content"] for n in (0, 5)] == ["1", "2"]
    assert [[e["loc"] for e in body["data"][n]["errors"]] for n in (1, 2, 3, 4)] == [
        [["content"]],
        [["images", 0]],
        [["surplus"]],
        [[]],
    ]
    assert desk.client.get(desk.path).json()["revision"] == 2


def test_where_none_of_many_can_be_used_nothing_changes(desk: Desk) -> None:
    response = desk.client.post(f"{desk.path}/experiences", json={"experiences": [{}, {}]})

    assert (response.json()["created"], response.json()["refused"]) == (0, 2)
    assert desk.client.get(desk.path).json()["revision"] == 1


@pytest.mark.parametrize("count", [0, 1001])
def test_between_one_and_a_thousand_are_taken_at_once(still_desk: Desk, count: int) -> None:
    sent = {"experiences": [{}] * count}

    response = still_desk.client.post(f"{still_desk.path}/experiences", json=sent)

    check_problem(response, 422, "validation_failed", ["body", "experiences"])


@pytest.mark.parametrize(
    ("sent", "loc"),
    [
        ({"when_to_use": "a"}, ["content"]),
        (PRINTER | {"content": " "}, ["content"]),
        (PRINTER | {"tags": [""]}, ["tags", 0]),
        (PRINTER | {"status": "active"}, ["status"]),
        (PRINTER | {"questions": ["?"] * 8}, ["questions"]),
        (PRINTER | {"content": "x" * 4001}, ["content"]),
    ],
)
def test_an_experience_that_cannot_be_is_refused_by_its_field(
    still_desk: Desk, sent: dict[str, Any], loc: list[Any]
) -> None:
    response = still_desk.client.post(f"{still_desk.path}/experiences", json=sent)

    check_problem(response, 422, "validation_failed", ["body", *loc])


def test_more_keys_than_are_kept_are_refused(still_desk: Desk) -> None:
    sent = PRINTER | {"questions": ["a", "b", "c", "d"], "images": [png_url()] * 4}

    response = still_desk.client.post(f"{still_desk.path}/experiences", json=sent)

    check_problem(response, 422, "validation_failed", ["body"])


def test_experiences_are_listed_by_status_and_tag_in_pages(desk: Desk) -> None:
    printer, badge, refund = (e["id"] for e in desk.experiences())
    desk.client.delete(f"{desk.path}/experiences/{badge}").raise_for_status()

    def ids(**query: Any) -> list[str]:
        return [e["id"] for e in desk.experiences(**query)]

    assert ids() == [printer, badge, refund]
    assert ids(status="active") == [printer, refund]
    assert ids(status="retired") == [badge]
    assert ids(tag="printers") == [printer]
    assert ids(tag="printer") == []
    assert ids(tag="access", status="active") == []
    assert ids(limit=1, after=printer) == [badge]
    assert ids(limit=1, after=printer, status="active") == [refund]
    assert ids(order="desc", limit=2) == [refund, badge]
    check_problem(
        desk.client.get(f"{desk.path}/experiences", params={"status": "gone"}),
        422,
        "validation_failed",
        ["query", "status"],
    )


def test_another_text_is_another_version_found_by_its_new_wording_with_usage_from_zero(desk: Desk) -> None:
    desk.ask()
    printer = desk.experiences()[0]
    path = f"{desk.path}/experiences/{printer['id']}"

    edited = desk.client.patch(path, json={"when_to_use": "A plotter hums.", "content": "FX-32"}).json()

    assert (edited["version"], edited["content"], edited["usage"]["shown"]) == (2, "FX-32", 0)
    assert [k["text"] for k in edited["keys"] if k["kind"] == "when_to_use"] == ["A plotter hums."]
    assert hits(desk, "The plotter hums.") == ["FX-32"]


def test_another_status_pin_or_tag_is_the_same_version(desk: Desk) -> None:
    desk.ask()
    printer = desk.experiences()[0]
    path = f"{desk.path}/experiences/{printer['id']}"

    edited = desk.client.patch(path, json={"pinned": True, "tags": ["a"], "status": "candidate"}).json()

    assert (edited["version"], edited["pinned"], edited["tags"], edited["status"]) == (
        1,
        True,
        ["a"],
        "candidate",
    )
    assert edited["usage"]["shown"] == 1
    assert hits(desk) == []
    assert hits(desk, filters={"status": ["candidate"]}) == [PRINTER["content"]]
    assert hits(desk, filters={"status": ["candidate"], "tags": ["a"]}) == [PRINTER["content"]]


def test_a_pinned_experience_can_be_edited_by_hand(desk: Desk) -> None:
    path = f"{desk.path}/experiences/{desk.experiences()[0]['id']}"
    desk.client.patch(path, json={"pinned": True}).raise_for_status()

    assert desk.client.patch(path, json={"content": "FX-99"}).json()["content"] == "FX-99"


@pytest.mark.parametrize(
    ("sent", "loc"),
    [
        ({}, []),
        ({"status": "gone"}, ["status"]),
        ({"content": ""}, ["content"]),
        ({"version": 3}, ["version"]),
        ({"pinned": "yes"}, ["pinned"]),
    ],
)
def test_an_edit_that_cannot_be_is_refused(still_desk: Desk, sent: dict[str, Any], loc: list[Any]) -> None:
    path = f"{still_desk.path}/experiences/{still_desk.experiences()[0]['id']}"

    check_problem(still_desk.client.patch(path, json=sent), 422, "validation_failed", ["body", *loc])


def test_an_edit_may_be_made_only_of_what_was_last_seen(desk: Desk) -> None:
    path = f"{desk.path}/experiences/{desk.experiences()[0]['id']}"
    tag = desk.client.get(path).headers["ETag"]

    first = desk.client.patch(path, json={"content": "1"}, headers={"If-Match": tag})
    second = desk.client.patch(path, json={"content": "2"}, headers={"If-Match": tag})
    retiring = desk.client.delete(path, headers={"If-Match": tag})
    anyhow = desk.client.patch(path, json={"content": "3"}, headers={"If-Match": "*"})

    assert first.headers["ETag"] != tag
    for late in (second, retiring):
        check_problem(late, 412, "changed_meanwhile")
    assert anyhow.json()["content"] == "3"
    assert desk.client.get(desk.path).json()["revision"] == 3


def test_a_weak_tag_matches_nothing(desk: Desk) -> None:
    path = f"{desk.path}/experiences/{desk.experiences()[0]['id']}"
    tag = desk.client.get(path).headers["ETag"]

    response = desk.client.patch(path, json={"content": "1"}, headers={"If-Match": f"W/{tag}"})

    check_problem(response, 412, "changed_meanwhile")


def test_what_is_retired_is_kept_and_not_found_until_it_is_restored(desk: Desk) -> None:
    path = f"{desk.path}/experiences/{desk.experiences()[0]['id']}"

    assert desk.client.delete(path).status_code == 204
    assert desk.client.get(path).json()["status"] == "retired"
    assert hits(desk) == []

    desk.client.patch(path, json={"status": "active"}).raise_for_status()
    assert hits(desk) == [PRINTER["content"]]


def test_the_history_tells_every_change_with_the_text_after_it(desk: Desk) -> None:
    path = f"{desk.path}/experiences/{desk.experiences()[0]['id']}"
    desk.client.patch(path, json={"content": "FX-32"}).raise_for_status()
    desk.client.delete(path).raise_for_status()

    history = desk.client.get(f"{path}/history").json()
    told = [(h["operation"], h["version"], h["content"], h["status"], h["revision"]) for h in history["data"]]
    rest = desk.client.get(f"{path}/history", params={"after": history["first_id"], "limit": 1}).json()

    assert told == [
        ("add", 1, PRINTER["content"], "active", 1),
        ("edit", 2, "FX-32", "active", 2),
        ("edit", 2, "FX-32", "retired", 3),
    ]
    assert (rest["data"], rest["has_more"]) == ([history["data"][1]], True)


def test_a_cursor_that_is_none_of_the_history_is_refused(still_desk: Desk) -> None:
    path = f"{still_desk.path}/experiences/{still_desk.experiences()[0]['id']}/history"

    for cursor in ("exp_1", "", "-1", "1e3", "9" * 16):
        refused = still_desk.client.get(path, params={"after": cursor})
        check_problem(refused, 422, "validation_failed", ["query", "after"])


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_experience_of_another_bank_is_not_there(desk: Desk, method: str) -> None:
    desk.client.post("/v1/banks", json={"name": "other"}).raise_for_status()
    elsewhere = f"/v1/banks/other/experiences/{desk.experiences()[0]['id']}"
    body = {"pinned": True} if method == "PATCH" else None

    for path in (elsewhere, f"{desk.path}/experiences/exp_none"):
        check_problem(desk.client.request(method, path, json=body), 404, "not_found")
    check_problem(desk.client.get(f"{elsewhere}/history"), 404, "not_found")
