"""/v1/banks/{bank}/retrieve: the hits of a question, and why these."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api_desk import BADGE, PRINTER, QUESTION, REFUND, Desk, check_problem


def retrieved(desk: Desk, **more: Any) -> dict[str, Any]:
    response = desk.client.post(f"{desk.path}/retrieve", json={"question": QUESTION, **more})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def test_the_hits_are_those_of_an_answer_and_do_not_count_as_usage(desk: Desk) -> None:
    found = retrieved(desk)
    answered = desk.ask().json()["experiences"]

    assert [(h["id"], h["similarity"]) for h in found["hits"]] == [
        (e["id"], e["similarity"]) for e in answered
    ]
    assert (found["revision"], found["abstained"], found["explanation"]) == (1, False, None)
    assert desk.experiences()[0]["usage"]["retrieved"] == 1


def test_hits_come_nearest_first(desk: Desk) -> None:
    desk.client.patch(desk.path, json={"retrieval": {"gap": 2}}).raise_for_status()

    hits = retrieved(desk, min_similarity=-2)["hits"]

    similarities = [hit["similarity"]["fused"] for hit in hits]
    assert {hit["content"] for hit in hits} == {PRINTER["content"], BADGE["content"], REFUND["content"]}
    assert similarities == sorted(similarities, reverse=True)
    assert [hit["label"] for hit in hits] == ["E1", "E2", "E3"]


def test_an_explanation_tells_what_decided(desk: Desk) -> None:
    found = retrieved(desk, explain=True, k=2, min_similarity=0.1)

    told = found["explanation"]
    assert (told["k"], told["gap"], told["min_similarity"], told["token_budget"]) == (2, 0.05, 0.1, 600)
    assert told["best_similarity"] == found["hits"][0]["similarity"]["fused"]
    assert [k["text"] for k in told["keys"][found["hits"][0]["id"]]] == [
        PRINTER["when_to_use"],
        *PRINTER["questions"],
    ]


def test_an_explanation_tells_how_near_the_best_was_where_nothing_was_near_enough(desk: Desk) -> None:
    found = retrieved(desk, explain=True, min_similarity=1.9)

    assert (found["hits"], found["abstained"]) == ([], True)
    assert 0 < found["explanation"]["best_similarity"] < found["explanation"]["min_similarity"] == 1.9


def test_a_tag_filters(desk: Desk) -> None:
    by_tag = [
        retrieved(desk, filters={"tags": tags}, min_similarity=-2)["hits"]
        for tags in (["access"], ["hardware", "printers"], ["hardware", "access"])
    ]

    assert [[hit["content"] for hit in hits] for hits in by_tag] == [
        [BADGE["content"]],
        [PRINTER["content"]],
        [],
    ]


@pytest.mark.parametrize(
    ("sent", "loc"),
    [
        ({"k": 0}, ["k"]),
        ({"min_similarity": 3}, ["min_similarity"]),
        ({"filters": {"status": ["retired"]}}, ["filters", "status", 0]),
        ({"filters": {"kind": "x"}}, ["filters", "kind"]),
        ({"explain": 1}, ["explain"]),
        ({"question": ""}, ["question"]),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_field(
    still_desk: Desk, sent: dict[str, Any], loc: list[Any]
) -> None:
    body = {"question": QUESTION} | sent

    response = still_desk.client.post(f"{still_desk.path}/retrieve", json=body)

    check_problem(response, 422, "validation_failed", ["body", *loc])


def test_an_image_path_is_refused(still_desk: Desk) -> None:
    body = {"question": QUESTION, "images": ["/etc/passwd"]}

    response = still_desk.client.post(f"{still_desk.path}/retrieve", json=body)

    check_problem(response, 422, "invalid_field", ["body", "images", 0])
