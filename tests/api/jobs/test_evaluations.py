"""Evaluations over HTTP: arms compared, each question's answer an item, failures told and retried."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api_desk import QUESTION, Desk, check_problem
from tests.upstream import Upstream

GOOD = {"id": "printer", "question": QUESTION, "answer": "FX-31"}
WRONG = {"id": "wrong", "question": "Which queue takes the lost badge?", "answer": "FX-44"}
BAD = {"id": "bad", "question": "provider says 401", "answer": "x"}


def evaluate(desk: Desk, *sent: Any, **more: Any) -> Any:
    body = {"samples": list(sent), **more}
    response = desk.client.post(f"{desk.path}/evaluations", json=body)
    assert response.status_code == 202, response.text
    return desk.ended(response.json()["id"])


def items(desk: Desk, job_id: str, **query: Any) -> Any:
    return desk.client.get(f"/v1/jobs/{job_id}/items", params=query).json()["data"]


def test_samples_are_answered_under_each_arm_and_compared(desk: Desk) -> None:
    before = desk.client.get(desk.path).json()

    job = evaluate(desk, GOOD, WRONG, arms=["none", "retrieve", "teacher"])

    assert (job["kind"], job["status"], job["error"]) == ("evaluation", "succeeded", None)
    assert job["request_counts"] == {"total": 6, "completed": 6, "failed": 0, "skipped": 0, "quarantined": 0}
    assert [(a["arm"], a["questions"], a["correct"]) for a in job["result"]["arms"]] == [
        ("none", 2, 1),
        ("retrieve", 2, 1),
        ("teacher", 2, 1),
    ]
    assert (job["result"]["failures"], job["usage"]["calls"]) == ([], 6)
    assert desk.client.get(desk.path).json() == before


def test_each_answer_is_an_item_with_what_was_shown_for_it(desk: Desk) -> None:
    job = evaluate(desk, GOOD, WRONG)

    found = items(desk, job["id"])

    assert [(i["id"], i["correct"], i["result"]["arm"]) for i in found] == [
        ("0:printer", 1.0, "none"),
        ("0:wrong", 0.0, "none"),
        ("1:printer", 1.0, "retrieve"),
        ("1:wrong", 0.0, "retrieve"),
    ]
    assert (found[0]["result"]["experiences"], found[0]["result"]["final_answer"]) == ([], "FX-31")
    printer = desk.experiences()[0]["id"]
    assert printer in found[2]["result"]["experiences"]


def test_a_question_nobody_answered_is_told_and_the_figures_are_of_the_others(
    desk: Desk, provider: Upstream
) -> None:
    job = evaluate(desk, GOOD, BAD)

    failed = items(desk, job["id"], status="failed")
    assert (job["status"], job["request_counts"]["failed"]) == ("succeeded", 2)
    assert [(i["sample_id"], i["result"]) for i in failed] == [("bad", None)] * 2
    assert [a["questions"] for a in job["result"]["arms"]] == [1, 1]
    assert {f["sample"] for f in job["result"]["failures"]} == {"bad"}

    before = len(provider.call_keys)
    desk.client.post(f"/v1/jobs/{job['id']}/retry").raise_for_status()
    again = desk.ended(job["id"])

    assert {key and key.split(":")[2] for key in provider.call_keys[before:]} == {"bad"}
    assert again["result"]["arms"] == job["result"]["arms"]


def test_an_evaluation_of_which_nothing_came_has_failed_and_says_why(desk: Desk) -> None:
    job = evaluate(desk, BAD)

    assert job["status"] == "failed"
    assert "no question was answered under every arm" in job["error"]
    assert "refused" in job["error"]


def test_an_evaluation_rests_at_its_budget_and_goes_on_with_another(desk: Desk, provider: Upstream) -> None:
    before = len(provider.call_keys)
    job = evaluate(desk, GOOD, WRONG, budget={"calls": 1})
    assert (job["status"], job["usage"]["calls"]) == ("paused", 1)

    desk.client.post(f"/v1/jobs/{job['id']}/resume", json={"budget": {"calls": 9}}).raise_for_status()

    job = desk.ended(job["id"])
    keys = provider.call_keys[before:]
    assert (job["status"], job["usage"]["calls"]) == ("succeeded", 4)
    assert len(keys) == len(set(keys)) == 4


def test_an_evaluation_may_run_beside_a_job_that_writes(desk: Desk) -> None:
    resting = desk.distil(4, budget={"calls": 1}).json()["id"]
    desk.ended(resting)

    assert evaluate(desk, GOOD)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("sent", "loc"),
    [
        ({"arms": []}, ["arms"]),
        ({"arms": ["most"]}, ["arms", 0]),
        ({"samples": []}, ["samples"]),
        ({"dry": True}, ["dry"]),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(
    still_desk: Desk, sent: dict[str, Any], loc: list[Any]
) -> None:
    response = still_desk.client.post(f"{still_desk.path}/evaluations", json={"samples": [GOOD], **sent})

    check_problem(response, 422, "validation_failed", ["body", *loc])


def test_bad_samples_and_other_models_are_refused(still_desk: Desk) -> None:
    path = f"{still_desk.path}/evaluations"

    bad = still_desk.client.post(path, json={"samples": [GOOD, {"question": "a"}]})
    other = still_desk.client.post(path, json={"samples": [GOOD], "student": "gpt-4o"})

    check_problem(bad, 422, "invalid_samples", ["body", "samples", 1, "answer"])
    check_problem(other, 422, "invalid_field", ["body", "student"])
