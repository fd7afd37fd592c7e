"""Review of feedback: a reference waits until somebody accepts or rejects it, and is learned from only if accepted."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from api.app import create_app
from ted.bank.tables import AnswerRow, FeedbackRow
from ted.sample import Sample
from ted.settings import Settings
from tests.api.test_feedback import asked, graded
from tests.api_desk import Desk, check_problem
from tests.drawings import draw


def reviewed(desk: Desk, answer_id: str, verdict: str, *, tag: str | None = None, bank: str = "") -> Response:
    headers = {"If-Match": f'"{tag}"'} if tag else {}
    path = f"{bank or desk.path}/feedback/{answer_id}/{verdict}"
    response: Response = desk.client.post(path, headers=headers)
    return response


def listed(desk: Desk, **query: Any) -> list[str]:
    body = desk.client.get(f"{desk.path}/feedback", params=query).json()
    return [one["answer_id"] for one in body["data"]]


def learnable(desk: Desk) -> list[Sample]:
    ted = desk.service.ted
    return list(ted.feedback.to_distil(ted.banks.find("desk")).samples)


def test_a_reference_waits_until_it_is_accepted_and_a_new_one_waits_again(desk: Desk) -> None:
    answer = asked(desk)
    waiting = graded(desk, answer["id"], correct=False, reference="FX-31")
    assert (waiting["reviewed"], waiting["accepted"], learnable(desk)) == (False, None, [])

    accepted = reviewed(desk, answer["id"], "accept").json()

    assert (accepted["reviewed"], accepted["accepted"]) == (True, True)
    assert accepted["experiences"] == len(answer["experiences"])
    assert graded(desk, answer["id"], correct=False, reference="FX-31")["accepted"]
    assert graded(desk, answer["id"], correct=False, reference="FX-32")["accepted"] is None


def test_feedback_is_listed_by_whether_it_waits_for_a_review(desk: Desk) -> None:
    plain, waiting, accepted, rejected = (asked(desk)["id"] for _ in range(4))
    graded(desk, plain, correct=True)
    for answer_id in (waiting, accepted, rejected):
        graded(desk, answer_id, correct=False, reference="FX-31")
    reviewed(desk, accepted, "accept").raise_for_status()
    reviewed(desk, rejected, "reject").raise_for_status()

    assert listed(desk) == [plain, waiting, accepted, rejected]
    assert listed(desk, reviewed=False) == [waiting]
    assert listed(desk, reviewed=True, order="desc") == [rejected, accepted]
    page = desk.client.get(f"{desk.path}/feedback", params={"limit": 2, "after": plain}).json()
    assert ([one["answer_id"] for one in page["data"]], page["has_more"]) == ([waiting, accepted], True)


def test_what_was_said_is_shown_with_the_answer(desk: Desk) -> None:
    answer = asked(desk)
    assert answer["feedback"] is None
    said = graded(desk, answer["id"], score=0.5, comment="nearly")

    assert desk.client.get(f"/v1/answers/{answer['id']}").json()["feedback"] == said


def test_a_reference_that_changed_meanwhile_is_not_accepted_unseen(desk: Desk) -> None:
    answer_id = asked(desk)["id"]
    seen = graded(desk, answer_id, correct=False, reference="FX-31")
    graded(desk, answer_id, correct=False, reference="call me at once")

    check_problem(reviewed(desk, answer_id, "accept", tag=seen["tag"]), 412, "changed_meanwhile")
    assert listed(desk, reviewed=False) == [answer_id]
    now = graded(desk, answer_id, correct=False, reference="FX-31")
    assert reviewed(desk, answer_id, "accept", tag=now["tag"]).json()["accepted"]
    assert reviewed(desk, answer_id, "reject").json()["accepted"] is False


def test_what_cannot_be_reviewed_is_refused(desk: Desk) -> None:
    answer_id, silent = asked(desk)["id"], asked(desk)["id"]
    graded(desk, answer_id, correct=True)
    desk.client.post("/v1/banks", json={"name": "other"}).raise_for_status()

    check_problem(reviewed(desk, answer_id, "accept"), 409, "conflict")
    check_problem(reviewed(desk, silent, "reject"), 404, "not_found")
    check_problem(reviewed(desk, answer_id, "accept", bank="/v1/banks/other"), 404, "not_found")
    check_problem(reviewed(desk, answer_id, "accept", bank="/v1/banks/nobody"), 404, "not_found")
    desk.give_away(FeedbackRow)
    check_problem(reviewed(desk, answer_id, "accept"), 404, "not_found")
    assert listed(desk) == []


def test_accepted_references_of_answers_that_were_not_right_are_samples(desk: Desk) -> None:
    picture = draw("red", "circle", seed=2)
    url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    wrong = asked(desk, "What is this?", images=[url])["id"]
    half, right, waiting, blank = (asked(desk)["id"] for _ in range(4))
    for answer_id, score in ((wrong, 0.0), (half, 0.5), (right, 1.0), (waiting, 0.0), (blank, 0.0)):
        graded(desk, answer_id, score=score, reference="FX-31")
    for answer_id in (wrong, half, right, blank):
        reviewed(desk, answer_id, "accept").raise_for_status()
    with desk.service.ted.database.writing() as session:
        session.get_one(AnswerRow, blank).question = ""

    first, second = learnable(desk)

    assert (first.id, first.question.text, first.answer) == (wrong, "What is this?", "FX-31")
    assert first.question.images[0].data == picture
    assert second.id == half


@pytest.fixture
def trusting(settings: Settings) -> Iterator[Desk]:
    """The service, which takes references at their word."""
    changed = settings.model_copy(update={"trust_feedback": True})
    with TestClient(create_app(changed), raise_server_exceptions=False) as running:
        yield Desk(running).made()


def test_where_feedback_is_trusted_a_reference_is_accepted_at_once(trusting: Desk) -> None:
    answer_id = asked(trusting)["id"]

    assert graded(trusting, answer_id, correct=False)["accepted"] is None
    assert graded(trusting, answer_id, correct=False, reference="FX-31")["accepted"] is True
    assert [sample.id for sample in learnable(trusting)] == [answer_id]
