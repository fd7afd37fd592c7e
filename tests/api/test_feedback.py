"""Feedback: an answer graded afterwards, once or again, and the statistics that follow it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from ted.bank.tables import AnswerRow, ExposureRow, FeedbackRow
from ted.bank.usage import UsageStats, usage_from_exposures, usage_of
from tests.api_desk import Desk, check_problem


def asked(desk: Desk, question: str = "The printer is out of order.", **more: Any) -> dict[str, Any]:
    response = desk.client.post("/v1/answers", json={"bank": "desk", "question": question, **more})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def graded(desk: Desk, answer_id: str, **said: Any) -> dict[str, Any]:
    response = desk.client.post("/v1/feedback", json={"answer_id": answer_id, **said})
    assert response.status_code == 201, response.text
    feedback: dict[str, Any] = response.json()
    return feedback


def usage(desk: Desk) -> dict[str, UsageStats]:
    """From the counters, once it is sure that the exposures say exactly the same."""
    service = desk.service
    with service.ted.database.reading() as session:
        bank_id = service.ted.banks.find("desk")
        counted = usage_of(session, bank_id)
        assert counted == usage_from_exposures(session, bank_id)
    return counted


def right_and_wrong(desk: Desk, answer: dict[str, Any]) -> list[tuple[float, float]]:
    found = usage(desk)
    return [(found[e["id"]].shown_correct, found[e["id"]].shown_wrong) for e in answer["experiences"]]


def test_the_experiences_of_a_graded_answer_are_credited(desk: Desk) -> None:
    answer = asked(desk)
    assert right_and_wrong(desk, answer) == [(0, 0)] * len(answer["experiences"]) != []

    kept = graded(desk, answer["id"], correct=True, comment="yes")

    assert right_and_wrong(desk, answer) == [(1, 0)] * len(answer["experiences"])
    assert (kept["score"], kept["reviewed"], kept["comment"]) == (1, False, "yes")
    assert kept["experiences"] == len(answer["experiences"])


def test_feedback_given_again_replaces_what_was_said_before(desk: Desk) -> None:
    first, second = asked(desk), asked(desk)
    graded(desk, second["id"], score=0.1)
    for said in ({"correct": True}, {"score": 0.7}, {"score": 0.3}, {"correct": False}, {"score": 0.2}):
        graded(desk, first["id"], **said, reference="FX-31")

    again = graded(desk, first["id"], score=0.25)

    assert right_and_wrong(desk, first) == [pytest.approx((0.35, 1.65))] * len(first["experiences"])
    assert again["reference"] is None
    with desk.service.ted.database.reading() as session:
        assert len(session.scalars(select(FeedbackRow)).all()) == 2
        assert set(session.scalars(select(ExposureRow.outcome))) == {0.25, 0.1}


def test_an_experience_is_not_credited_for_its_own_question_nor_for_an_earlier_wording(desk: Desk) -> None:
    made = {"when_to_use": "A parcel came.", "content": "PA-1.", "questions": ["Where does the parcel go?"]}
    own = desk.client.post(f"{desk.path}/experiences", json=made).json()
    answer = asked(desk, "Where does the parcel go?", k=1)
    earlier = asked(desk, "A parcel came, and now?", k=1)
    desk.client.patch(f"{desk.path}/experiences/{own['id']}", json={"content": "PA-2."}).raise_for_status()

    graded(desk, answer["id"], correct=True)
    graded(desk, earlier["id"], correct=False)

    assert own["id"] in {e["id"] for e in answer["experiences"] + earlier["experiences"]}
    assert (usage(desk)[own["id"]].shown_correct, usage(desk)[own["id"]].shown_wrong) == (0, 0)


def test_an_answer_without_experiences_can_be_graded(desk: Desk) -> None:
    answer = asked(desk, mode="none")

    assert graded(desk, answer["id"], correct=True)["experiences"] == 0


def test_the_feedback_goes_with_its_bank(desk: Desk) -> None:
    graded(desk, asked(desk)["id"], correct=True)

    desk.client.delete(desk.path).raise_for_status()

    with desk.service.ted.database.reading() as session:
        assert session.scalars(select(FeedbackRow)).all() == []


def test_another_projects_answer_and_an_unknown_one_are_not_there(desk: Desk) -> None:
    answer = asked(desk)
    desk.give_away(AnswerRow)
    for answer_id in (answer["id"], "ans_nobody"):
        said = {"answer_id": answer_id, "correct": True}
        check_problem(desk.client.post("/v1/feedback", json=said), 404, "not_found")


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({}, []),
        ({"correct": True, "score": 1.0}, []),
        ({"score": 1.1}, ["score"]),
        ({"score": -0.1}, ["score"]),
        ({"correct": "yes"}, ["correct"]),
        ({"correct": 1}, ["correct"]),
        ({"correct": True, "reference": " "}, ["reference"]),
        ({"correct": True, "stars": 5}, ["stars"]),
    ],
)
def test_what_is_no_feedback_is_refused(
    still_desk: Desk, said: dict[str, Any], where: list[str | int]
) -> None:
    body = {"answer_id": "ans_1", **said}

    refused = still_desk.client.post("/v1/feedback", json=body)

    check_problem(refused, 422, "validation_failed", ["body", *where])
