"""Reports of evaluations over HTTP, in the form that a client accepts."""

from __future__ import annotations

import pytest

from tests.api.jobs.test_evaluations import GOOD, WRONG, evaluate
from tests.api_desk import Desk, check_problem


def test_a_report_comes_as_it_is_accepted(desk: Desk) -> None:
    job = evaluate(desk, GOOD, WRONG, arms=["none", "retrieve", "all"])
    path = f"/v1/jobs/{job['id']}/report"

    told = desk.client.get(path)
    text = desk.client.get(path, headers={"Accept": "text/markdown"})
    page = desk.client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert told.json()["arms"] == job["result"]["arms"]
    assert [row["arm"] for row in told.json()["questions"]] == ["none"] * 2 + ["retrieve"] * 2 + ["all"] * 2
    assert told.headers["Content-Type"] == "application/json"
    assert text.headers["Content-Type"].startswith("text/markdown")
    assert text.text.startswith("# Evaluation of bank desk")
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.text.startswith("<!doctype html>")


def test_another_form_or_another_job_has_no_report(desk: Desk) -> None:
    job = evaluate(desk, GOOD)
    resting = desk.distil(4, budget={"calls": 1}).json()["id"]
    desk.ended(resting)

    pdf = desk.client.get(f"/v1/jobs/{job['id']}/report", headers={"Accept": "application/pdf"})

    check_problem(pdf, 406, "not_acceptable")
    check_problem(desk.client.get(f"/v1/jobs/{resting}/report"), 422, "invalid_input")
    check_problem(desk.client.get("/v1/jobs/job_none/report"), 404, "not_found")


def test_training_samples_are_refused_unless_the_report_is_to_be_marked(desk: Desk) -> None:
    known = {
        "id": "known",
        "question": "Which queue takes the jammed printer on floor two?",
        "answer": "FX-31",
    }
    path = f"{desk.path}/evaluations"

    refused = desk.client.post(path, json={"samples": [known]})
    job = evaluate(desk, known, allow_overlap=True)

    assert "'known'" in check_problem(refused, 422, "invalid_input")["detail"]
    assert job["request"]["overlap"] == ["known"]


@pytest.mark.parametrize("mode", ["all", "demos", "none"])
def test_a_question_is_answered_in_each_mode(desk: Desk, mode: str) -> None:
    given = desk.ask(mode=mode).json()

    assert (given["mode"], given["final_answer"]) == (mode, "FX-31")
    assert [e["shown"] for e in given["experiences"]] == ([True] * 3 if mode == "all" else [])
    assert given["demonstrations"] == []
    assert desk.client.get(f"/v1/answers/{given['id']}").json() == given
