"""Compressions over HTTP: a plan that changes nothing, and a job that does what it said."""

from __future__ import annotations

import pytest

from tests.api_desk import PRINTER, Desk, check_problem


@pytest.fixture
def doubled(desk: Desk) -> Desk:
    """The desk with an experience that is there twice."""
    again = {name: PRINTER[name] for name in ("when_to_use", "content")}
    desk.client.post(f"{desk.path}/experiences", json=again).raise_for_status()
    return desk


def test_a_dry_run_gives_the_plan_and_changes_nothing(doubled: Desk) -> None:
    before = doubled.client.get(doubled.path).json()

    response = doubled.client.post(f"{doubled.path}/compressions", json={"dry_run": True})

    plan = response.json()
    assert (response.status_code, plan["object"], plan["experiences"]) == (200, "compression.plan", 4)
    assert len(plan["plan"]["unite"]) == 1
    assert len(plan["plan"]["unite"][0]) == 2
    assert doubled.client.get(doubled.path).json() == before
    assert doubled.client.get("/v1/jobs").json()["data"] == []


def test_a_compression_is_a_job_that_does_what_its_plan_said(doubled: Desk) -> None:
    response = doubled.client.post(f"{doubled.path}/compressions", json={})

    job = doubled.ended(response.json()["id"])
    assert (response.status_code, job["kind"], job["status"]) == (202, "compression", "succeeded")
    assert response.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert job["result"]["operations"] == {"merge": 1}
    assert len(doubled.experiences(status="active")) == 3
    (item,) = doubled.client.get(f"/v1/jobs/{job['id']}/items").json()["data"]
    assert (item["status"], item["result"]["kind"], item["result"]["refusal"]) == ("done", "unite", None)
    assert item["id"].startswith("0:unite:")
    assert job["request_counts"] == {"total": 1, "completed": 1, "failed": 0, "skipped": 0, "quarantined": 0}


def test_a_compression_is_checked_with_the_samples_that_are_sent(doubled: Desk) -> None:
    sent = {"validation": [{"question": "Which queue takes a jam on floor three?", "answer": "FX-31"}]}

    job = doubled.ended(
        doubled.client.post(f"{doubled.path}/compressions", json={**sent, "tolerance": 0.5}).json()["id"]
    )

    check = job["result"]["check"]
    assert (job["status"], check["samples"], check["tolerance"], check["rolled_back"]) == (
        "succeeded",
        1,
        0.5,
        False,
    )
    told = doubled.client.get(f"/v1/jobs/{job['id']}/events", params={"limit": 100}).json()["data"]
    assert [e["data"]["samples"] for e in told if e["event"] == "job.checked"] == [1]
    known = {"validation": [{"question": PRINTER["questions"][0], "answer": "FX-31"}]}
    refused = doubled.client.post(f"{doubled.path}/compressions", json=known)
    assert "validation samples are training samples" in check_problem(refused, 422, "invalid_input")["detail"]
    wrong = doubled.client.post(f"{doubled.path}/compressions", json={"validation": [{"question": "Q?"}]})
    check_problem(wrong, 422, "invalid_samples", ["body", "validation", 0, "answer"])


def test_a_compression_that_has_ended_is_run_anew_and_beside_a_distillation_none(doubled: Desk) -> None:
    first = doubled.client.post(f"{doubled.path}/compressions", json={}).json()["id"]
    doubled.ended(first)
    second = doubled.client.post(f"{doubled.path}/compressions", json={}).json()["id"]
    assert doubled.ended(second)["status"] == "succeeded"
    assert second != first

    resting = doubled.distil(4, budget={"calls": 1}).json()["id"]
    doubled.ended(resting)

    refused = doubled.client.post(f"{doubled.path}/compressions", json={})
    assert resting in check_problem(refused, 409, "conflict")["detail"]


def test_what_cannot_be_used_is_refused(still_desk: Desk) -> None:
    path = f"{still_desk.path}/compressions"

    for field, value in (("near", 0), ("cluster_size", 7), ("api_base", "http://127.0.0.1")):
        response = still_desk.client.post(path, json={field: value})
        check_problem(response, 422, "validation_failed", ["body", field])
    check_problem(
        still_desk.client.post(path, json={"teacher": "x"}), 422, "invalid_field", ["body", "teacher"]
    )
    check_problem(still_desk.client.post(path, json={"budget": {"usd": 1}}), 422, "invalid_setting")
    check_problem(still_desk.client.post("/v1/banks/none/compressions", json={}), 404, "not_found")
