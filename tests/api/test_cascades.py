"""Cascades over HTTP: by a request, by the bank's settings, without a teacher; and distilling what came of answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from ted.settings import Settings
from tests.api_desk import QUESTION, Body, Desk, check_problem
from tests.upstream import Upstream

UNSURE = "Which queue takes the jammed printer on floor nine? The draws differ."
ON = {"escalate": "on_disagreement"}


def changed(desk: Desk, **cascade: Any) -> Body:
    response = desk.client.patch(desk.path, json={"cascade": cascade})
    assert response.status_code == 200, response.text
    found: Body = response.json()["cascade"]
    return found


def distilled(desk: Desk, **more: Any) -> Any:
    body = {"from_feedback": True, "profile": "compact", **more}
    return desk.client.post(f"{desk.path}/distillations", json=body)


def test_an_answer_that_was_escalated_says_so_and_what_either_model_took(desk: Desk) -> None:
    answer = desk.ask(UNSURE, **ON).json()

    cascade = answer["cascade"]
    assert (answer["escalated"], answer["model"], answer["final_answer"]) == (True, "openai/teacher", "FX-31")
    assert (cascade["agreement"], cascade["threshold"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert len(set(cascade["answers"])) == 3
    assert (cascade["student"]["model"], cascade["teacher"]["model"]) == ("openai/student", "openai/teacher")
    assert answer["usage"]["prompt_tokens"] == sum(
        cascade[role]["prompt_tokens"] for role in ("student", "teacher")
    )
    assert [used["shown"] for used in answer["experiences"]] == [False]
    assert desk.client.get(f"/v1/answers/{answer['id']}").json() == answer
    stats = desk.client.get(f"/v1/admin{desk.path.removeprefix('/v1')}/stats").json()
    spent = {part["role"]: part["calls"] for part in stats["spending"]["by_role_and_model"]}
    assert spent == {"student": 3, "teacher": 1}
    metrics = desk.client.get("/metrics").text.splitlines()
    assert 'ted_cascades_total{outcome="escalated"} 1' in metrics


def test_an_answer_that_the_student_agrees_on_is_the_students(desk: Desk, provider: Upstream) -> None:
    before = len(provider.bodies)

    answer = desk.ask(QUESTION, **ON, samples=2, threshold=1.0).json()

    assert (answer["escalated"], answer["model"], answer["cascade"]["teacher"]) == (
        False,
        "openai/student",
        None,
    )
    assert [body["temperature"] for body in provider.bodies[before:]] == [0.7, 0.7]
    assert [used["shown"] for used in answer["experiences"]] == [True]
    assert desk.ask(QUESTION).json()["cascade"] is None


def test_a_bank_has_a_cascade_of_its_own_that_a_request_may_leave(desk: Desk) -> None:
    assert desk.client.get(desk.path).json()["cascade"]["escalate"] == "never"

    assert changed(desk, **ON, harvest=True) == {**ON, "samples": 3, "threshold": 2 / 3, "harvest": True}
    assert changed(desk, samples=2) == {**ON, "samples": 2, "threshold": 2 / 3, "harvest": True}

    escalated, plain = desk.ask(UNSURE).json(), desk.ask(UNSURE, escalate="never").json()
    assert (escalated["escalated"], escalated["harvested"], len(escalated["cascade"]["answers"])) == (
        True,
        True,
        2,
    )
    assert (plain["escalated"], plain["cascade"]) == (False, None)


@pytest.mark.parametrize(
    ("sent", "loc"),
    [({"samples": 1}, "samples"), ({"threshold": 2}, "threshold"), ({"escalate": "x"}, "escalate")],
)
def test_a_cascade_that_makes_no_sense_is_refused(still_desk: Desk, sent: Body, loc: str) -> None:
    check_problem(still_desk.ask(**sent), 422, "validation_failed", ["body", loc])
    patched = still_desk.client.patch(still_desk.path, json={"cascade": sent})
    check_problem(patched, 422, "validation_failed", ["body", "cascade", loc])


@pytest.fixture
def alone(settings: Settings) -> Iterator[Desk]:
    """The service without a teacher."""
    changed = settings.model_copy(update={"teacher": ""})
    with TestClient(create_app(changed), raise_server_exceptions=False) as running:
        yield Desk(running).made()


def test_without_a_teacher_nothing_escalates_and_everything_else_goes_on(alone: Desk) -> None:
    patched = alone.client.patch(alone.path, json={"cascade": ON})
    made = alone.client.post("/v1/banks", json={"name": "other", "cascade": ON})

    check_problem(patched, 422, "invalid_field", ["body", "cascade", "escalate"])
    check_problem(made, 422, "invalid_field", ["body", "cascade", "escalate"])
    assert "TED_TEACHER" in check_problem(alone.ask(**ON), 422, "invalid_setting")["detail"]
    assert "TED_TEACHER" in check_problem(alone.distil(1), 422, "invalid_setting")["detail"]
    assert alone.ask().status_code == 200


def test_a_wrong_answer_with_an_accepted_reference_is_distilled_once(desk: Desk) -> None:
    answer = desk.ask("Ticket s04 tells of an invoice at the canteen: which queue?").json()
    sent = {"answer_id": answer["id"], "correct": False, "reference": "QX-445"}
    desk.client.post("/v1/feedback", json=sent).raise_for_status()
    check_problem(distilled(desk), 409, "nothing_to_distil")
    check_problem(distilled(desk, dry_run=True), 409, "nothing_to_distil")
    desk.client.post(f"{desk.path}/feedback/{answer['id']}/accept").raise_for_status()

    estimate = distilled(desk, dry_run=True).json()
    queued = distilled(desk)

    assert (estimate["object"], estimate["items"]) == ("distillation.estimate", 1)
    assert queued.status_code == 202
    job = desk.ended(queued.json()["id"])
    assert (job["status"], job["request"]["from_feedback"]) == ("succeeded", True)
    (item,) = desk.client.get(f"/v1/jobs/{job['id']}/items").json()["data"]
    assert (item["sample_id"], item["unlabelled"]) == (answer["id"], False)
    check_problem(distilled(desk), 409, "nothing_to_distil")


def test_a_distillation_from_feedback_that_is_asked_for_in_parallel_under_one_key_is_one_job(
    desk: Desk,
) -> None:
    """Its first request takes the answers, and the others find none left."""
    answer = desk.ask("Ticket s04 tells of an invoice at the canteen: which queue?").json()
    sent = {"answer_id": answer["id"], "correct": False, "reference": "QX-445"}
    desk.client.post("/v1/feedback", json=sent).raise_for_status()
    desk.client.post(f"{desk.path}/feedback/{answer['id']}/accept").raise_for_status()
    path, body = f"{desk.path}/distillations", {"from_feedback": True, "profile": "compact"}

    def asked_for(_: int) -> Any:
        return desk.client.post(path, json=body, headers={"Idempotency-Key": "mine"})

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(asked_for, range(8)))
    job = desk.ended(responses[0].json()["id"])
    again = asked_for(9)

    assert {response.status_code for response in responses} == {202}
    assert {response.json()["id"] for response in (*responses, again)} == {job["id"]}
    assert [job["id"] for job in desk.client.get("/v1/jobs").json()["data"]] == [job["id"]]


def test_what_was_harvested_is_distilled_unlabelled(desk: Desk) -> None:
    changed(desk, **ON, harvest=True)
    answer = desk.ask("Ticket s04 tells of an invoice at the canteen: which queue?").json()
    assert (answer["escalated"], answer["final_answer"]) == (True, "QX-445")

    job = desk.ended(distilled(desk, profile="full").json()["id"])

    assert (job["status"], job["result"]["unlabelled"]) == ("succeeded", 1)
    (item,) = desk.client.get(f"/v1/jobs/{job['id']}/items").json()["data"]
    assert (item["unlabelled"], item["stand_in"]) == (True, "QX-445")
    learned = desk.experiences()[-1]
    assert learned["unlabelled"] is True
    assert not any(other["unlabelled"] for other in desk.experiences()[:-1])


def test_a_distillation_that_rests_goes_on_with_what_it_took(desk: Desk) -> None:
    changed(desk, **ON, harvest=True)
    desk.ask("Ticket s04 tells of an invoice at the canteen: which queue?").raise_for_status()
    resting = desk.ended(distilled(desk, budget={"calls": 1}).json()["id"])
    assert resting["status"] == "paused"

    again = distilled(desk)

    assert again.json()["id"] == resting["id"]
    assert desk.ended(resting["id"])["status"] == "succeeded"


def test_samples_beside_answers_are_refused(still_desk: Desk) -> None:
    check_problem(still_desk.distil(1, from_feedback=True), 422, "invalid_field", ["body", "from_feedback"])
    check_problem(
        still_desk.client.post(f"{still_desk.path}/distillations", json={"from_feedback": False}),
        422,
        "validation_failed",
        ["body", "from_feedback"],
    )
