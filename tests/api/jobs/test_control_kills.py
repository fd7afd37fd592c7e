"""A real `ted serve`, its jobs on DBOS, paused, killed with -9, begun again, resumed: no committed call is made twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from ted.cli.main import app
from tests.api.test_serve import Server, begun, ended, until
from tests.desk_models import samples
from tests.upstream import running_upstream


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_upstream("tests.desk_models:reply", latency=(0.05, 0.15)) as provider:
        made = Server(tmp_path, provider)
        yield made
        if made.process is not None:
            made.process.kill()
            made.process.communicate()


def test_a_pause_survives_a_kill_and_the_resumed_job_repeats_no_committed_call(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    job_id = begun(client, 12)
    until(lambda: len(server.committed()) >= 6)

    paused = client.post(f"/v1/jobs/{job_id}/pause").json()
    server.stop(signal.SIGKILL)
    committed, asked = server.committed(), len(server.provider.call_keys)
    client = server.start()
    found = client.get(f"/v1/jobs/{job_id}").json()
    assert (paused["status"], found["status"], found["reason"]) == ("paused", "paused", "paused on request")
    assert server.provider.call_keys[asked:] == []

    client.post(f"/v1/jobs/{job_id}/resume").raise_for_status()
    until(lambda: len(server.committed()) >= len(committed) + 4)
    server.stop(signal.SIGKILL)
    committed, asked = server.committed(), len(server.provider.call_keys)
    client = server.start()

    job = ended(client, job_id)
    assert (job["status"], job["request_counts"]["completed"]) == ("succeeded", 12)
    assert not committed & set(server.provider.call_keys[asked:])
    assert server.committed() == set(server.provider.call_keys)


def test_pausing_and_resuming_while_a_job_runs_never_leaves_it_lying(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    job_id = begun(client, 12)

    for _ in range(4):
        committed = len(server.committed())
        until(lambda: len(server.committed()) > committed)  # noqa: B023 - called in the same round
        client.post(f"/v1/jobs/{job_id}/pause").raise_for_status()
        client.post(f"/v1/jobs/{job_id}/resume").raise_for_status()

    job = ended(client, job_id)
    keys = server.provider.call_keys
    assert (job["status"], job["request_counts"]["completed"]) == ("succeeded", 12)
    assert len(keys) == len(set(keys)) == job["usage"]["calls"]


def test_a_job_behind_one_that_was_just_cancelled_waits_for_its_calls_to_end(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    first = begun(client, 12)
    until(lambda: len(server.committed()) >= 4)

    client.post(f"/v1/jobs/{first}/cancel").raise_for_status()
    second = begun(client, 2)

    assert ended(client, second)["status"] == "succeeded"
    assert client.get(f"/v1/jobs/{first}").json()["status"] == "cancelled"


def test_a_job_resumed_on_the_command_line_is_run_by_the_server(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    job_id = begun(client, 4, budget={"calls": 6})
    assert ended(client, job_id)["status"] == "paused"

    environment = {"TED_DATA_DIR": str(server.data), "TED_TEXT_EMBEDDER": "hashing"}
    resumed = CliRunner().invoke(app, ["jobs", "resume", job_id, "--budget-calls", "900"], env=environment)

    assert "The server of this data directory goes on with it." in resumed.stdout
    assert ended(client, job_id)["status"] == "succeeded"


def test_a_stream_of_events_broken_off_by_a_kill_goes_on_after_the_last_one_seen(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    job_id = begun(client, 8)
    path, headers = f"/v1/jobs/{job_id}/events", {"Accept": "text/event-stream"}

    seen: list[str] = []
    with suppress(httpx.TransportError), client.stream("GET", path, headers=headers) as response:
        for line in response.iter_lines():
            if line.startswith("id: "):
                seen.append(line.removeprefix("id: "))
            if line == "event: item.done" and server.process is not None:
                server.stop(signal.SIGKILL)
    client = server.start()
    rest = client.get(path, headers=headers | {"Last-Event-ID": seen[-1]}).text.splitlines()

    ids = seen + [line.removeprefix("id: ") for line in rest if line.startswith("id: ")]
    assert ids == [str(n + 1) for n in range(len(ids))]
    assert rest[-3].startswith("event: job.succeeded")


def test_an_evaluation_that_was_killed_goes_on_and_asks_no_answered_question_again(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    asked_for = {"samples": samples(24), "arms": ["none", "teacher"]}
    job_id = client.post("/v1/banks/desk/evaluations", json=asked_for).json()["id"]
    until(lambda: len(server.committed()) >= 8)
    server.stop(signal.SIGKILL)
    committed, asked = server.committed(), len(server.provider.call_keys)
    client = server.start()

    job = ended(client, job_id)
    again = server.provider.call_keys[asked:]
    assert (job["status"], job["request_counts"]["completed"]) == ("succeeded", 48)
    assert [arm["questions"] for arm in job["result"]["arms"]] == [24, 24]
    assert again, "the job was cut short"
    assert not committed & set(again)


def test_a_server_stops_although_somebody_watches_a_job(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    job_id = begun(client, 4, budget={"calls": 6})
    assert ended(client, job_id)["status"] == "paused"
    headers = {"Accept": "text/event-stream"}

    with client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as response:
        assert next(response.iter_lines()) == "id: 1"
        server.stop(signal.SIGTERM)

    assert server.start().get(f"/v1/jobs/{job_id}").json()["status"] == "paused"


def test_a_cancelled_job_stays_so_when_the_server_was_killed(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    job_id = begun(client, 12)
    until(lambda: len(server.committed()) >= 4)

    client.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()
    server.stop(signal.SIGKILL)
    client, asked = server.start(), len(server.provider.call_keys)

    second = begun(client, 2)
    assert ended(client, second)["status"] == "succeeded"
    assert client.get(f"/v1/jobs/{job_id}").json()["status"] == "cancelled"
    assert {key and key.split(":")[0] for key in server.provider.call_keys[asked:]} == {second}
