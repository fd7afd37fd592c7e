"""POST /v1/banks/{bank}/merge."""

from __future__ import annotations

from tests.api_desk import PRINTER, Desk, check_problem


def test_another_bank_is_previewed_then_merged_as_a_job(desk: Desk) -> None:
    desk.client.post("/v1/banks", json={"name": "berlin"}).raise_for_status()
    berlin = desk.client.post("/v1/banks/berlin/experiences", json=PRINTER).json()

    plan = desk.client.post(f"{desk.path}/merge", json={"from": "berlin", "dry_run": True})
    job = desk.client.post(f"{desk.path}/merge", json={"from": "berlin"})

    assert (plan.status_code, job.status_code) == (200, 202)
    assert (plan.json()["copied"], plan.json()["from"]) == ([berlin["id"]], "berlin")
    assert (job.json()["kind"], job.json()["request"]["from"]) == ("bank_merge", berlin_id(desk))


def test_a_bank_that_is_not_there_or_is_the_same_is_refused(desk: Desk) -> None:
    check_problem(desk.client.post(f"{desk.path}/merge", json={"from": "nowhere"}), 404, "not_found")
    check_problem(desk.client.post(f"{desk.path}/merge", json={"from": "desk"}), 409, "conflict")


def berlin_id(desk: Desk) -> str:
    return str(desk.client.get("/v1/banks/berlin").json()["id"])
