"""The pages of jobs: a distillation begun from an upload, followed, paused, resumed; and the report of an evaluation."""

from __future__ import annotations

import json

import pytest
from httpx import Response

from tests.browsing import check_page
from tests.desk_models import samples
from tests.keyed import Tenant
from tests.ui.conftest import HOSTILE, House

LINES = "".join(json.dumps(sample) + "\n" for sample in samples(4)).encode()


def upload(house: House, *, do: str, lines: bytes = LINES, **more: str) -> Response:
    files = {"file": ("tickets.jsonl", lines, "application/jsonl")}
    sent = {"do": do, "profile": "full", "gate": "none", "trajectories": "2", "batch_size": "4", **more}
    return house.browser.post(f"{house.bank}/distil", sent, files=files)


def test_a_distillation_is_begun_from_an_upload_and_shown_to_its_end(house: House) -> None:
    begun = upload(house, do="start", epochs="1", budget_calls="500")
    assert begun.status_code == 303, begun.text
    job = begun.headers["Location"].rpartition("/")[2]
    check_page(house.browser.get(f"/ui/jobs/{job}"))
    house.desk.ended(job)

    text = check_page(house.browser.get(f"/ui/jobs/{job}"))
    part = house.browser.get(f"/ui/jobs/{job}/progress", headers={"HX-Request": "true"})

    assert "<dd>succeeded" in text
    assert "of 500" in text
    assert "data-events" not in text
    assert part.headers["HX-Trigger"] == "job-ended"
    assert part.text.strip().startswith('<dl class="figures">')
    assert '<p id="told" hx-swap-oob="innerHTML">succeeded: 4 of 4 done</p>' in part.text
    assert ">distillation<" in check_page(house.browser.get("/ui/jobs")).replace('<span class="unseen">', "<")


def test_an_estimate_begins_nothing_and_keeps_the_file(house: House) -> None:
    text = check_page(upload(house, do="estimate", budget_calls="1"))

    assert "Estimate for 4" in text
    assert "At worst it does not fit the budget" in text
    assert " selected>tickets.jsonl: 4 samples" in text
    assert house.desk.client.get("/v1/jobs").json()["data"] == []
    file = house.desk.client.get("/v1/files").json()["data"][0]["id"]
    again = house.browser.post(
        f"{house.bank}/distil", {"do": "start", "profile": "full", "gate": "none", "file_id": file}
    )
    assert again.status_code == 303


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"lines": b'{"question": "?", "answer": " "}\n'}, "file.1.answer"),
        ({"lines": b"nothing\n"}, "file.1"),
        ({"trajectories": "many"}, "trajectories"),
        ({"trajectories": "0"}, "trajectories"),
        ({"budget_usd": "-1"}, "usd"),
        ({"profile": HOSTILE}, "profile"),
        ({"do": "explode"}, "do"),
    ],
)
def test_what_cannot_be_distilled_is_refused_with_its_place(
    still: House, sent: dict[str, str], told: str
) -> None:
    response = upload(still, **{"do": "start", **sent})  # type: ignore[arg-type]

    text = check_page(response, 422)
    assert told in text
    assert "<script>alert" not in text


def test_a_form_without_a_file_is_refused(still: House) -> None:
    check_page(still.browser.post(f"{still.bank}/distil", {"do": "start"}), 422)


def test_a_job_at_its_budget_rests_and_goes_on_with_another(house: House) -> None:
    job = upload(house, do="start", budget_calls="3").headers["Location"].rpartition("/")[2]
    house.desk.ended(job)
    text = check_page(house.browser.get(f"/ui/jobs/{job}"))
    assert "It rests:" in text
    assert f'data-events="/ui/jobs/{job}/events"' in text

    resumed = house.browser.post(
        f"/ui/jobs/{job}/resume", {"budget_calls": "400", "budget_usd": "", "budget_tokens": ""}
    )

    assert resumed.status_code == 303
    assert house.desk.ended(job)["status"] == "succeeded"
    check_page(house.browser.post(f"/ui/jobs/{job}/pause"), 409)


def test_a_job_is_cancelled(house: House) -> None:
    job = upload(house, do="start", budget_calls="3").headers["Location"].rpartition("/")[2]
    house.desk.ended(job)

    assert house.browser.post(f"/ui/jobs/{job}/cancel").status_code == 303

    assert house.desk.ended(job)["status"] == "cancelled"
    check_page(house.browser.post(f"/ui/jobs/{job}/explode"), 422)


def test_events_are_a_stream_that_ends_with_the_job_and_begins_where_it_was_left(house: House) -> None:
    job = upload(house, do="start").headers["Location"].rpartition("/")[2]
    house.desk.ended(job)

    whole = house.browser.get(f"/ui/jobs/{job}/events")
    rest = house.browser.get(f"/ui/jobs/{job}/events", headers={"Last-Event-ID": "2"})

    assert whole.headers["Content-Type"].startswith("text/event-stream")
    assert "event: job.succeeded" in whole.text
    assert rest.text.startswith("id: 3\n")


def test_a_report_is_a_page_of_the_dashboard(house: House) -> None:
    sent = {"samples": samples(3), "arms": ["none", "retrieve"], "allow_overlap": True}
    job = house.desk.client.post(f"{house.desk.path}/evaluations", json=sent).json()["id"]
    house.desk.ended(job)

    text = check_page(house.browser.get(f"/ui/jobs/{job}/report"))

    assert "<h2>Accuracy</h2>" in text
    assert '<circle class="dot"' in text
    assert f"/ui/jobs/{job}/report" in check_page(house.browser.get(f"/ui/jobs/{job}"))


def test_a_job_that_is_no_evaluation_has_no_report(house: House) -> None:
    job = upload(house, do="start").headers["Location"].rpartition("/")[2]

    check_page(house.browser.get(f"/ui/jobs/{job}/report"), 422)
    house.desk.ended(job)


@pytest.mark.parametrize("part", ["", "/progress", "/events", "/report"])
def test_another_projects_job_is_not_there(still: House, theirs: Tenant, part: str) -> None:
    check_page(still.browser.get(f"/ui/jobs/{theirs.names['job_id']}{part}"), 404)


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "retry"])
def test_another_projects_job_is_left_alone(still: House, theirs: Tenant, action: str) -> None:
    check_page(still.browser.post(f"/ui/jobs/{theirs.names['job_id']}/{action}"), 404)


def test_a_list_of_jobs_is_of_ones_own_project(still: House, theirs: Tenant) -> None:
    assert theirs.names["job_id"] not in check_page(still.browser.get("/ui/jobs"))
    check_page(still.browser.get(f"/ui/jobs?bank={theirs.names['bank']}"), 404)


def test_a_key_for_answers_sees_no_jobs(still: House) -> None:
    browser = still.with_scopes("answer")

    for path in ("/ui/jobs", "/ui/jobs/job_x", f"{still.bank}/distil"):
        check_page(browser.get(path), 403)
