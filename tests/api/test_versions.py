"""/v1/banks/{bank}/versions, /diff, /rollback and /unmerge."""

from __future__ import annotations

from tests.api_desk import Desk, check_problem


def test_a_named_revision_is_gone_back_to(desk: Desk) -> None:
    named = desk.client.post(f"{desk.path}/versions", json={"name": "good"})
    (one, *_) = desk.experiences()
    path = f"{desk.path}/experiences/{one['id']}"
    desk.client.patch(path, json={"content": "Printers go to queue FX-99.", "pinned": True})

    told = desk.client.get(f"{desk.path}/diff", params={"from": "good"}).json()
    tried = desk.client.post(f"{desk.path}/rollback", json={"to": "good", "dry_run": True}).json()
    done = desk.client.post(f"{desk.path}/rollback", json={"to": "good"}).json()

    assert (named.status_code, named.json()["revision"], named.json()["active"]) == (201, 1, 3)
    (pair,) = told["rewritten"]
    assert (pair["id"], pair["after"]["content"]) == (one["id"], "Printers go to queue FX-99.")
    assert (told["from_revision"], told["to_revision"], told["added"]) == (1, 2, [])
    assert (tried["revision"], tried["dry_run"], done["revision"]) == (None, True, 3)
    assert tried["difference"] == done["difference"]
    again = desk.client.get(path).json()
    assert (again["content"], again["pinned"], again["version"]) == (one["content"], False, 3)
    (listed,) = desk.client.get(f"{desk.path}/versions").json()["data"]
    assert listed == named.json()


def test_what_cannot_be_named_or_found_is_told(desk: Desk) -> None:
    desk.client.post(f"{desk.path}/versions", json={"name": "good"}).raise_for_status()

    check_problem(desk.client.post(f"{desk.path}/versions", json={"name": "good"}), 409, "conflict")
    check_problem(desk.client.post(f"{desk.path}/versions", json={"name": "7"}), 422, "invalid_input")
    check_problem(desk.client.get(f"{desk.path}/diff", params={"from": "bad"}), 404, "not_found")
    check_problem(desk.client.post(f"{desk.path}/rollback", json={"to": 99}), 404, "not_found")


def test_what_is_no_merge_cannot_be_unmerged(desk: Desk) -> None:
    (one, *_) = desk.experiences()

    response = desk.client.post(f"{desk.path}/experiences/{one['id']}/unmerge")

    check_problem(response, 409, "conflict")
    assert "is no merge" in response.json()["detail"]
