"""A job's events: one for each change, numbered without gaps, as a list and as a stream that ends with the job."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from ted.bank.job_tables import JobRow
from tests.api_desk import Desk, check_problem
from tests.desk_models import samples


def events(desk: Desk, job_id: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.client.get(f"/v1/jobs/{job_id}/events", params=query).json()["data"]
    return found


def streamed(desk: Desk, job_id: str, last: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
    """(id, event, data) of a stream, read to its end."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last is not None else {})
    response = desk.client.get(f"/v1/jobs/{job_id}/events", headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith("text/event-stream")
    blocks = [block for block in response.text.split("\n\n") if block and not block.startswith(":")]
    fields = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [(f["id"], f["event"], json.loads(f["data"])) for f in fields]


def test_each_change_of_a_job_and_its_items_is_told_in_order(desk: Desk) -> None:
    sent = [*samples(2), {"id": "bad", "question": "provider says 401", "answer": "x"}]
    body = {"samples": sent, "trajectories": 1}
    job_id = desk.client.post(f"{desk.path}/distillations", json=body).json()["id"]
    job = desk.ended(job_id)

    told = events(desk, job_id, limit=100)

    assert [event["id"] for event in told] == [str(n + 1) for n in range(len(told))]
    assert [e["event"] for e in told if e["event"].startswith("job.")] == [
        "job.queued",
        "job.running",
        "job.succeeded",
    ]
    of_items = [(e["event"], e["data"]["item"]) for e in told if e["event"].startswith("item.")]
    assert {("item.running", "0:s00"), ("item.all_correct", "0:s00"), ("item.done", "0:s01")} < set(of_items)
    (failed,) = [e for e in told if e["event"] == "item.failed"]
    assert (failed["data"]["item"], "refused" in failed["data"]["error"]) == ("0:bad", True)
    assert told[-1]["event"] == f"job.{job['status']}"


def test_what_people_do_to_a_job_is_told_with_its_reason(desk: Desk) -> None:
    job_id = desk.distil(4, budget={"calls": 3}).json()["id"]
    desk.ended(job_id)
    desk.client.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()

    told = [(e["event"], e["data"].get("reason")) for e in events(desk, job_id) if "job." in e["event"]]

    assert [event for event, _ in told] == ["job.queued", "job.running", "job.paused", "job.cancelled"]
    assert "budget of 3 calls" in (told[2][1] or "")


def test_events_are_listed_after_one_and_in_pages(desk: Desk) -> None:
    job_id = desk.distil(2).json()["id"]
    desk.ended(job_id)
    everything = [e["id"] for e in events(desk, job_id, limit=100)]

    assert [e["id"] for e in events(desk, job_id, after="2", limit=2)] == ["3", "4"]
    assert [e["id"] for e in events(desk, job_id, order="desc", limit=1)] == everything[-1:]
    assert events(desk, job_id, after=everything[-1]) == []
    refused = desk.client.get(f"/v1/jobs/{job_id}/events", params={"after": "x"})
    check_problem(refused, 422, "validation_failed", ["query", "after"])


def test_a_stream_tells_all_there_is_to_its_final_event_and_ends(desk: Desk) -> None:
    job_id = desk.distil(4, batch_size=1).json()["id"]
    found: list[Any] = []
    watching = threading.Thread(target=lambda: found.extend(streamed(desk, job_id)))
    watching.start()
    desk.ended(job_id)
    watching.join(60)

    listed = events(desk, job_id, limit=100)
    assert [number for number, _, _ in found] == [e["id"] for e in listed]
    assert found[-1][1] == "job.succeeded"
    assert [data for _, _, data in found] == listed


def test_a_stream_that_broke_off_goes_on_after_the_last_event_that_was_seen(desk: Desk) -> None:
    job_id = desk.distil(2).json()["id"]
    desk.ended(job_id)
    whole = streamed(desk, job_id)

    assert streamed(desk, job_id, "3") == whole[3:]
    assert streamed(desk, job_id, whole[-1][0]) == []


@pytest.mark.parametrize("last", ["x", "-1", "9" * 20])
def test_a_stream_after_what_is_no_event_is_refused_before_it_begins(desk: Desk, last: str) -> None:
    job_id = desk.distil(1).json()["id"]
    desk.ended(job_id)

    headers = {"Accept": "text/event-stream", "Last-Event-ID": last}
    refused = desk.client.get(f"/v1/jobs/{job_id}/events", headers=headers)

    check_problem(refused, 422, "validation_failed", ["header", "last-event-id"])


def test_the_events_of_another_projects_job_are_not_there(desk: Desk) -> None:
    job_id = desk.distil(1).json()["id"]
    desk.ended(job_id)
    desk.give_away(JobRow)

    check_problem(desk.client.get(f"/v1/jobs/{job_id}/events"), 404, "not_found")
    streaming = desk.client.get(f"/v1/jobs/{job_id}/events", headers={"Accept": "text/event-stream"})
    check_problem(streaming, 404, "not_found")
