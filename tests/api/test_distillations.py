"""Distillations over HTTP, and the jobs and items they become."""

from __future__ import annotations

from typing import Any

import pytest

from ted.bank.job_tables import JobRow
from tests.api.test_answers import png_url
from tests.api_desk import Desk, check_problem
from tests.desk_models import samples


def test_a_distillation_is_queued_and_run_until_it_has_succeeded(desk: Desk) -> None:
    response = desk.distil(4, student="openai/student", teacher="openai/teacher", compress_every=0)

    queued = response.json()
    assert response.status_code == 202
    assert response.headers["Location"] == f"/v1/jobs/{queued['id']}"
    assert (queued["kind"], queued["request_counts"]["total"]) == ("distillation", 4)
    assert queued["bank"] == desk.client.get(desk.path).json()["id"]
    assert queued["request"]["compress_every"] == 0

    job = desk.ended(queued["id"])
    assert job["status"] == "succeeded"
    assert job["request_counts"] == {"total": 4, "completed": 4, "failed": 0, "skipped": 1, "quarantined": 0}
    assert job["result"]["operations"]["add"] == 3
    assert (job["usage"]["calls"], job["usage"]["unpriced_calls"]) == (job["usage"]["calls"],) * 2
    assert (job["cost_usd"], job["error"], job["reason"]) == (None, None, None)
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert len(desk.experiences(status="active")) == 6
    learned = desk.experiences()[-1]
    history = desk.client.get(f"{desk.path}/experiences/{learned['id']}/history").json()["data"]
    assert history[0]["provenance"]["job"] == job["id"]


def test_an_image_of_a_sample_is_kept_and_a_path_refused(desk: Desk) -> None:
    good = {"question": "Ticket s01: what is it?", "answer": "QX-424", "images": [png_url()]}

    refused = desk.client.post(
        f"{desk.path}/distillations", json={"samples": [good, good | {"id": "b", "images": ["a.png"]}]}
    )
    taken = desk.client.post(f"{desk.path}/distillations", json={"samples": [good], "trajectories": 1})

    body = check_problem(refused, 422, "invalid_samples", ["body", "samples", 1, "images", 0])
    assert "nothing is fetched" in body["errors"][0]["msg"]
    assert desk.ended(taken.json()["id"])["status"] == "succeeded"


def test_every_bad_sample_is_told_by_its_position_and_field(still_desk: Desk) -> None:
    sent = [
        *samples(1),
        {"question": "a", "answer": " "},
        {"question": " ", "answer": "b", "grader": {"kind": "numeric", "tolerance": -1}},
        {"question": "a", "answer": "x", "grader": "numeric"},
        3,
        samples(1)[0],
    ]

    response = still_desk.client.post(f"{still_desk.path}/distillations", json={"samples": sent})

    check_problem(
        response,
        422,
        "invalid_samples",
        ["body", "samples", 1, "answer"],
        ["body", "samples", 2, "grader", "tolerance"],
        ["body", "samples", 3, "answer"],
        ["body", "samples", 4],
        ["body", "samples", 5, "id"],
    )


@pytest.mark.parametrize(
    ("sent", "loc"),
    [
        ({"samples": []}, ["samples"]),
        ({"samples": [{}] * 1001}, ["samples"]),
        ({"trajectories": 0}, ["trajectories"]),
        ({"epochs": 0}, ["epochs"]),
        ({"batch_size": 0}, ["batch_size"]),
        ({"profile": "small"}, ["profile"]),
        ({"budget": {"usd": -1}}, ["budget", "usd"]),
        ({"budget": {"euro": 1}}, ["budget", "euro"]),
        ({"api_base": "http://127.0.0.1"}, ["api_base"]),
        ({"dry_run": "yes"}, ["dry_run"]),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(
    still_desk: Desk, sent: dict[str, Any], loc: list[Any]
) -> None:
    body = {"samples": samples(1)} | sent

    response = still_desk.client.post(f"{still_desk.path}/distillations", json=body)

    check_problem(response, 422, "validation_failed", ["body", *loc])


@pytest.mark.parametrize("role", ["student", "teacher"])
def test_no_other_model_than_the_configured_is_taken(still_desk: Desk, role: str) -> None:
    check_problem(still_desk.distil(1, **{role: "gpt-4o"}), 422, "invalid_field", ["body", role])


def test_a_budget_in_dollars_of_models_of_unknown_price_is_refused(desk: Desk) -> None:
    body = check_problem(desk.distil(1, budget={"usd": 1.0}), 422, "invalid_setting")

    assert "price of 'openai/student' is not known" in body["detail"]
    assert desk.client.get("/v1/jobs").json()["data"] == []


def test_a_second_writing_job_of_a_bank_is_a_conflict_and_one_of_another_bank_is_not(desk: Desk) -> None:
    desk.client.post("/v1/banks", json={"name": "other"}).raise_for_status()
    first = desk.distil(8)

    same, different = desk.distil(8), desk.distil(3)
    elsewhere = Desk(desk.client, "/v1/banks/other").distil(2)
    deleting = desk.client.delete(desk.path)

    for late in (same, different, deleting):
        assert first.json()["id"] in check_problem(late, 409, "conflict")["detail"]
    assert elsewhere.status_code == 202
    assert desk.ended(first.json()["id"])["status"] == "succeeded"
    assert desk.ended(elsewhere.json()["id"])["status"] == "succeeded"


def test_a_distillation_that_has_ended_is_run_anew(desk: Desk) -> None:
    first = desk.distil(1).json()["id"]
    desk.ended(first)

    second = desk.distil(1).json()["id"]

    assert second != first
    assert desk.ended(second)["status"] == "succeeded"


def test_a_job_at_its_budget_rests_until_it_is_sent_again_with_another(desk: Desk) -> None:
    first = desk.distil(4, budget={"calls": 5}).json()["id"]
    resting = desk.ended(first)

    other = desk.distil(2)
    again = desk.distil(4, budget={"calls": 500}).json()

    assert resting["status"] == "paused"
    assert "budget of 5 calls reached" in resting["reason"]
    check_problem(other, 409, "conflict")
    assert (again["id"], again["budget"]["calls"]) == (first, 500)
    assert desk.ended(first)["status"] == "succeeded"


def test_a_sample_that_no_model_answers_fails_alone_and_is_told(desk: Desk) -> None:
    sent = [*samples(2), {"id": "bad", "question": "provider says 401", "answer": "x"}]
    body = {"samples": sent, "trajectories": 1}

    job = desk.ended(desk.client.post(f"{desk.path}/distillations", json=body).json()["id"])

    failed = desk.client.get(f"/v1/jobs/{job['id']}/items", params={"status": "failed"}).json()["data"]
    assert (job["status"], job["request_counts"]["failed"]) == ("succeeded", 1)
    assert [(item["sample_id"], item["correct"]) for item in failed] == [("bad", None)]
    assert "refused" in failed[0]["error"]


def test_a_job_of_which_nothing_came_has_failed_and_says_why(desk: Desk) -> None:
    body = {"samples": [{"question": "provider says 401", "answer": "x"}], "trajectories": 1}

    job = desk.ended(desk.client.post(f"{desk.path}/distillations", json=body).json()["id"])

    assert job["status"] == "failed"
    assert "refused" in job["error"]


def test_items_are_listed_in_the_order_of_the_samples_and_epochs(desk: Desk) -> None:
    job = desk.ended(desk.distil(3, epochs=2, batch_size=1).json()["id"])
    path = f"/v1/jobs/{job['id']}/items"

    def ids(**query: Any) -> list[str]:
        return [item["id"] for item in desk.client.get(path, params=query).json()["data"]]

    everything = [f"{epoch}:s{n:02d}" for epoch in (0, 1) for n in range(3)]
    assert ids() == everything
    assert ids(limit=2, after="0:s01") == everything[2:4]
    assert ids(limit=2, before="1:s01") == everything[2:4]
    assert ids(order="desc", limit=1) == everything[-1:]
    assert "0:s00" in ids(status="all_correct")
    check_problem(desk.client.get(path, params={"after": "0:none"}), 422, "invalid_input")
    check_problem(desk.client.get(path, params={"after": "x:s01"}), 422, "invalid_input")


def test_jobs_are_listed_by_bank_and_status(desk: Desk) -> None:
    other = Desk(desk.client, "/v1/banks/other")
    desk.client.post("/v1/banks", json={"name": "other"}).raise_for_status()
    first, second = desk.distil(1).json()["id"], other.distil(1, budget={"calls": 1}).json()["id"]
    desk.ended(first), desk.ended(second)

    def ids(**query: Any) -> list[str]:
        return [job["id"] for job in desk.client.get("/v1/jobs", params=query).json()["data"]]

    assert ids() == [first, second]
    assert ids(order="desc") == [second, first]
    assert ids(bank="other") == [second]
    assert ids(status="succeeded") == [first]
    assert ids(bank="desk", status="paused") == []
    assert desk.client.get("/v1/jobs").json()["data"] == [
        desk.client.get(f"/v1/jobs/{i}").json() for i in (first, second)
    ]
    check_problem(desk.client.get("/v1/jobs", params={"bank": "none"}), 404, "not_found")
    check_problem(
        desk.client.get("/v1/jobs", params={"status": "x"}), 422, "validation_failed", ["query", "status"]
    )


def test_a_job_of_another_project_is_not_there(desk: Desk) -> None:
    job = desk.distil(1).json()["id"]
    desk.ended(job)
    desk.give_away(JobRow)

    for path in (f"/v1/jobs/{job}", f"/v1/jobs/{job}/items", "/v1/jobs/job_none", "/v1/jobs/job_none/items"):
        check_problem(desk.client.get(path), 404, "not_found")
    assert desk.client.get("/v1/jobs").json()["data"] == []
