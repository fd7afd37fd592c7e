"""`ted serve` as a process: where it listens, and that killed in a job it goes on and repeats no committed call."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from ted.cli.main import app
from tests.desk_models import samples
from tests.serving import PATIENCE, Server, answers, until
from tests.upstream import running_upstream


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_upstream("tests.desk_models:reply", latency=(0.05, 0.15)) as provider:
        made = Server(tmp_path, provider)
        yield made
        if made.process is not None:
            made.process.kill()
            made.process.communicate()


def begun(client: httpx.Client, count: int = 8, **more: Any) -> str:
    """The id of a distillation of so many samples."""
    body = {"samples": samples(count), "trajectories": 2, "batch_size": 4, **more}
    response = client.post("/v1/banks/desk/distillations", json=body)
    assert response.status_code == 202, response.text
    job_id: str = response.json()["id"]
    return job_id


def ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    """The job once it rests or has ended."""
    until(lambda: client.get(f"/v1/jobs/{job_id}").json()["status"] not in ("queued", "running"))
    job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
    return job


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ended_in_a_job_goes_on_with_it_and_repeats_no_committed_call(
    server: Server, how: signal.Signals
) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    job_id = begun(client)
    until(lambda: len(server.committed()) >= 8)
    server.stop(how)
    committed, asked = server.committed(), len(server.provider.call_keys)
    assert len(committed) >= 8

    client = server.start()
    job = ended(client, job_id)

    again = server.provider.call_keys[asked:]
    assert (job["status"], job["request_counts"]["completed"]) == ("succeeded", 8)
    assert again, "the job was cut short"
    assert not committed & set(again)
    assert server.committed() == set(server.provider.call_keys)
    assert job["usage"]["calls"] == len(server.committed())


def test_a_job_that_rests_at_its_budget_goes_on_with_another_one(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    first = begun(client, 4, budget={"calls": 6})
    assert ended(client, first)["status"] == "paused"
    committed, asked = server.committed(), len(server.provider.call_keys)

    second = begun(client, 4)

    job = ended(client, second)
    assert (second, job["status"], job["budget"]["calls"]) == (first, "succeeded", None)
    assert not committed & set(server.provider.call_keys[asked:])


def test_what_is_printed_is_where_it_listens_and_a_line_a_request(server: Server) -> None:
    client = server.start()
    client.get("/v1/banks", headers={"X-Request-ID": "mine"})

    printed = server.stop(signal.SIGTERM)

    assert re.search(r"GET /v1/banks 200 \d+ ms mine$", printed, re.MULTILINE)
    assert "Uvicorn" not in printed
    assert "Traceback" not in printed


def test_a_second_server_of_a_data_directory_is_told_why_in_a_line(server: Server) -> None:
    server.start()

    second = server.command("--port", "0")
    printed, _ = second.communicate(timeout=PATIENCE)

    assert second.returncode != 0
    assert "another TED server has the data directory" in printed
    assert "Traceback" not in printed


def test_the_first_start_shows_a_key_that_opens_the_service_from_any_host_and_the_second_none(
    server: Server,
) -> None:
    server.more = {"TED_OPEN": "false", "TED_LOG_FORMAT": "json", "TED_HOSTS": "ted.example"}
    process = server.process = server.command("--host", "0.0.0.0", "--port", "0")
    assert process.stdout is not None
    port = re.match(r"TED listens on http://0\.0\.0\.0:(\d+) ", process.stdout.readline())
    assert port
    assert "shown this once" in process.stdout.readline()
    secret = process.stdout.readline().strip()
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port[1]}", headers=headers, timeout=30) as client:
        until(lambda: answers(client))

        found = {
            "with": client.get("/v1/banks").status_code,
            "without": client.get("/v1/banks", headers={"Authorization": ""}).status_code,
            "by its name": client.get("/v1/banks", headers={"Host": "ted.example:80"}).status_code,
            "by another": client.get("/v1/banks", headers={"Host": "evil.example"}).status_code,
        }
    printed = server.stop(signal.SIGTERM)
    client = server.start()
    again = server.stop(signal.SIGTERM)

    assert found == {"with": 200, "without": 401, "by its name": 200, "by another": 421}
    assert secret.startswith("ted_")
    assert secret not in printed
    assert "ted_" not in again


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1"])
def test_without_keys_any_host_but_loopback_is_refused(host: str) -> None:
    refused = CliRunner().invoke(app, ["serve", "--open", "--host", host, "--port", "0"])

    assert refused.exit_code == 2
    assert f"--host is '{host}'" in refused.output
    assert "loopback only" in refused.output


def test_a_port_that_is_taken_is_told(server: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = server.command("--port", str(taken.getsockname()[1]))
        printed, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert "give another --port" in printed
    assert "Traceback" not in printed
