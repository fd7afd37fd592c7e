"""`Idempotency-Key`: one job however often, and however parallel, the same request comes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api_desk import Desk, check_problem
from tests.desk_models import samples
from tests.upstream import Upstream

BODIES: dict[str, dict[str, Any]] = {
    "distillations": {"samples": samples(2), "trajectories": 1},
    "compressions": {},
    "evaluations": {"samples": samples(2), "arms": ["none"]},
}


def post(desk: Desk, what: str, key: str, **more: Any) -> Any:
    headers = {"Idempotency-Key": key}
    return desk.client.post(f"{desk.path}/{what}", json=BODIES[what] | more, headers=headers)


def jobs(desk: Desk) -> list[str]:
    return [job["id"] for job in desk.client.get("/v1/jobs").json()["data"]]


@pytest.mark.parametrize("what", BODIES)
def test_a_request_repeated_under_its_key_makes_one_job(desk: Desk, provider: Upstream, what: str) -> None:
    first = post(desk, what, "mine")
    desk.ended(first.json()["id"])
    asked = len(provider.call_keys)

    again = post(desk, what, "mine")

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json()["status"] == "succeeded"
    assert jobs(desk) == [first.json()["id"]]
    assert len(provider.call_keys) == asked


@pytest.mark.parametrize("what", BODIES)
def test_requests_in_parallel_under_one_key_make_one_job(desk: Desk, what: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(desk, what, "mine"), range(8)))

    assert {answer.status_code for answer in answers} == {202}
    assert {answer.json()["id"] for answer in answers} == set(jobs(desk))
    assert len(jobs(desk)) == 1
    assert desk.ended(jobs(desk)[0])["status"] == "succeeded"


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("distillations", {"trajectories": 2}),
        ("compressions", {"near": 0.8}),
        ("evaluations", {"arms": ["retrieve"]}),
    ],
)
def test_another_request_under_a_key_is_a_conflict(desk: Desk, what: str, more: dict[str, Any]) -> None:
    first = post(desk, what, "mine").json()["id"]
    desk.ended(first)

    detail = check_problem(post(desk, what, "mine", **more), 409, "conflict")["detail"]

    assert first in detail
    other = "evaluations" if what != "evaluations" else "distillations"
    check_problem(post(desk, other, "mine"), 409, "conflict")
    assert jobs(desk) == [first]


def test_other_keys_and_none_make_other_jobs(desk: Desk) -> None:
    made = [post(desk, "evaluations", key).json()["id"] for key in ("a", "b")]
    made.append(desk.client.post(f"{desk.path}/evaluations", json=BODIES["evaluations"]).json()["id"])

    assert len(set(made)) == 3
    assert jobs(desk) == made


def test_a_job_that_goes_on_at_its_budget_does_so_once_under_a_key(desk: Desk) -> None:
    first = post(desk, "distillations", "first", budget={"calls": 1}).json()["id"]
    assert desk.ended(first)["status"] == "paused"

    on = post(desk, "distillations", "second", budget={"calls": 500})
    assert desk.ended(on.json()["id"])["status"] == "succeeded"
    again = post(desk, "distillations", "second", budget={"calls": 500})

    assert (on.json()["id"], again.json()["id"]) == (first, first)
    assert post(desk, "distillations", "first", budget={"calls": 1}).json()["status"] == "succeeded"


def test_what_was_refused_may_be_sent_again_under_its_key(desk: Desk) -> None:
    check_problem(
        post(desk, "distillations", "mine", trajectories=0),
        422,
        "validation_failed",
        ["body", "trajectories"],
    )

    assert desk.ended(post(desk, "distillations", "mine").json()["id"])["status"] == "succeeded"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_key_that_cannot_be_used_is_refused(still_desk: Desk, key: str) -> None:
    response = post(still_desk, "compressions", key)

    check_problem(response, 422, "validation_failed", ["header", "Idempotency-Key"])
