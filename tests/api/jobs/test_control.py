"""Jobs cancelled, paused, resumed and retried over HTTP: where a state allows it, and what is left of the work."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ted.bank.job_tables import ItemRow, JobRow
from tests.api_desk import Desk, check_problem
from tests.desk_models import samples
from tests.upstream import Upstream

SLOW = [
    {"id": f"slow{n}", "question": f"provider is slow, question {n}", "answer": f"FX-{n}"} for n in range(2)
]


def act(desk: Desk, job_id: str, what: str, **sent: Any) -> Any:
    return desk.client.post(f"/v1/jobs/{job_id}/{what}", **sent)


def job_of(desk: Desk, job_id: str) -> Any:
    return desk.client.get(f"/v1/jobs/{job_id}").json()


def slow_job(desk: Desk) -> str:
    """A job whose calls take seconds, once the first of them is on its way."""
    body = {"samples": SLOW, "trajectories": 1, "batch_size": 1}
    job_id: str = desk.client.post(f"{desk.path}/distillations", json=body).json()["id"]
    wait_for(desk, job_id, "running")
    return job_id


def wait_for(desk: Desk, job_id: str, status: str) -> Any:
    for _ in range(600):
        if (job := job_of(desk, job_id))["status"] == status:
            return job
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {status}: {job}")


def test_a_running_job_is_cancelled_at_once_and_for_good(desk: Desk) -> None:
    job_id = slow_job(desk)

    response = act(desk, job_id, "cancel")

    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    assert response.json()["finished_at"] is not None
    for late in ("cancel", "pause", "resume", "retry"):
        check_problem(act(desk, job_id, late), 409, "conflict")
    second = desk.distil(2).json()["id"]  # waits until the calls of the first have ended
    assert desk.ended(second)["status"] == "succeeded"
    assert job_of(desk, job_id)["status"] == "cancelled"
    revisions = desk.client.get(desk.path).json()["revision"]
    assert revisions == 2, "one for the experiences that were there, one for the second job"


def test_a_paused_job_that_is_resumed_repeats_no_committed_call(desk: Desk, provider: Upstream) -> None:
    before = len(provider.call_keys)
    job_id = desk.distil(16, batch_size=2).json()["id"]
    for _ in range(600):
        if job_of(desk, job_id)["usage"]["calls"] >= 6:
            break
        time.sleep(0.01)

    paused = act(desk, job_id, "pause").json()
    at_rest = wait_for(desk, job_id, "paused")
    resumed = act(desk, job_id, "resume").json()

    job = desk.ended(job_id)
    assert (paused["status"], paused["reason"]) == ("paused", "paused on request")
    assert at_rest["request_counts"]["completed"] < 16
    assert resumed["status"] in ("queued", "running")
    assert (job["status"], job["request_counts"]["completed"]) == ("succeeded", 16)
    keys = [key for key in provider.call_keys[before:] if key and key.startswith(job_id)]
    assert len(keys) == len(set(keys)) == job["usage"]["calls"]


def test_a_job_in_the_queue_is_paused_and_resumed_with_another_budget(desk: Desk) -> None:
    first = desk.distil(4, budget={"calls": 3}).json()["id"]
    assert desk.ended(first)["status"] == "paused"

    check_problem(act(desk, first, "pause"), 409, "conflict")
    same = act(desk, first, "resume", json={})
    assert (same.status_code, same.json()["budget"]["calls"]) == (200, 3)
    assert "budget of 3 calls" in desk.ended(first)["reason"]
    act(desk, first, "resume", json={"budget": {"calls": 900}}).raise_for_status()

    assert desk.ended(first)["status"] == "succeeded"
    check_problem(act(desk, first, "resume"), 409, "conflict")


def test_what_is_paused_is_left_alone_by_the_worker_that_would_have_run_it(desk: Desk) -> None:
    job_id = slow_job(desk)
    act(desk, job_id, "pause").raise_for_status()

    desk.service.worker.submit(job_id)
    desk.service.worker.submit(job_id)

    assert wait_for(desk, job_id, "paused")["reason"] == "paused on request"
    act(desk, job_id, "cancel").raise_for_status()
    assert job_of(desk, job_id)["status"] == "cancelled"


def test_only_what_failed_is_retried_and_answered_calls_are_not_made_again(
    desk: Desk, provider: Upstream
) -> None:
    sent = [*samples(3), {"id": "bad", "question": "provider says 401", "answer": "x"}]
    body = {"samples": sent, "trajectories": 1, "batch_size": 2, "compress_every": 0}
    job_id = desk.client.post(f"{desk.path}/distillations", json=body).json()["id"]
    first = desk.ended(job_id)
    before, learned = len(provider.call_keys), len(desk.experiences(status="active"))

    retried = act(desk, job_id, "retry")

    job = desk.ended(job_id)
    assert (first["request_counts"]["failed"], job["request_counts"]["failed"]) == (1, 1)
    assert (retried.status_code, retried.json()["request_counts"]["failed"]) == (200, 0)
    assert (retried.json()["result"], retried.json()["finished_at"]) == (None, None)
    assert {key and key.split(":")[2] for key in provider.call_keys[before:]} == {"bad"}
    assert job["result"]["operations"] == first["result"]["operations"]
    assert len(desk.experiences(status="active")) == learned


def test_a_retried_item_that_succeeds_changes_the_bank_once(desk: Desk) -> None:
    job_id = desk.distil(3, batch_size=2, compress_every=0).json()["id"]
    whole = desk.ended(job_id)
    learned = len(desk.experiences(status="active"))
    with desk.service.ted.database.writing() as session:  # as if no model had answered for it
        row = session.get_one(ItemRow, (job_id, 0, "s02"))
        row.status, row.outcome, row.error = "failed", None, "no answer"

    act(desk, job_id, "retry").raise_for_status()
    once = desk.ended(job_id)
    check_problem(act(desk, job_id, "retry"), 409, "conflict")

    assert once["request_counts"] == whole["request_counts"]
    assert once["usage"]["calls"] == whole["usage"]["calls"]
    assert len(desk.experiences(status="active")) >= learned
    assert once["status"] == "succeeded"


def test_a_job_without_failed_items_and_one_that_runs_are_not_retried(desk: Desk) -> None:
    done = desk.distil(1).json()["id"]
    desk.ended(done)
    check_problem(act(desk, done, "retry"), 409, "conflict")

    running = slow_job(desk)
    check_problem(act(desk, running, "retry"), 409, "conflict")
    act(desk, running, "cancel").raise_for_status()


@pytest.mark.parametrize("what", ["cancel", "pause", "resume", "retry"])
def test_a_job_of_another_project_cannot_be_touched(desk: Desk, what: str) -> None:
    job_id = desk.distil(1).json()["id"]
    desk.ended(job_id)
    desk.give_away(JobRow)

    check_problem(act(desk, job_id, what), 404, "not_found")
    check_problem(act(desk, "job_none", what), 404, "not_found")
