"""Two servers of one PostgreSQL: what is written at one is read at the other, and a job survives the one that ran it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.desk_models import samples
from tests.kill_checks import check_that_replies_landed_at_their_samples
from tests.postgres import PostgresServer
from tests.serving import Server, until
from tests.store_portrait import reading
from tests.upstream import running_upstream

QUESTION = "Which queue takes the jammed printer on floor nine?"
PRINTER = {
    "when_to_use": "A printer is jammed or offline.",
    "content": "Printers go to queue FX-31.",
    "questions": ["Which queue takes the jammed printer on floor two?"],
}


@dataclass
class Pair:
    """Two servers with data directories of their own, one database and one provider."""

    servers: tuple[Server, Server]
    clients: tuple[httpx.Client, httpx.Client]

    @property
    def store(self) -> Path | str:
        return self.servers[0].store

    def asked(self) -> list[str]:
        """The keys of all calls that reached the provider, in order."""
        return [str(key) for key in self.servers[0].provider.call_keys]

    def committed(self) -> frozenset[str]:
        """The keys of the replies in the ledger."""
        return frozenset(self.servers[0].committed())

    def runner_of(self, job_id: str) -> int:
        """Which of the two runs the job."""
        query = f"select executor_id from dbos.workflow_status where workflow_uuid = '{job_id}'"

        def executor() -> str:
            with reading(self.store) as store:
                return str(store.execute(query).fetchone()[0])

        names = [server.more["TED_REPLICA"] for server in self.servers]
        until(lambda: executor() in names)
        return names.index(executor())


@pytest.fixture
def pair(postgres: PostgresServer, tmp_path: Path) -> Iterator[Pair]:
    """Both begun at once, on a database in which there is nothing."""
    database = postgres.new()
    with running_upstream("tests.desk_models:reply", latency=(0.1, 0.4)) as provider:
        servers = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            more = {
                "TED_DATABASE_URL": postgres.url(database),
                "TED_REPLICA": name,
                "TED_LEASE_SECONDS": "3",
                "TED_CONCURRENCY": "4",
            }
            servers.append(Server(tmp_path / name, provider, more=more))
        try:
            with ThreadPoolExecutor(2) as threads:
                one, two = threads.map(lambda server: server.start(), servers)
            yield Pair((servers[0], servers[1]), (one, two))
        finally:
            for server in servers:
                server.kill()
            postgres.drop(database)


def begun(client: httpx.Client, count: int, key: str | None = None) -> httpx.Response:
    """A distillation of so many samples."""
    body = {"samples": samples(count), "trajectories": 2, "batch_size": 4, "compress_every": 0}
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/v1/banks/desk/distillations", json=body, headers=headers)


def status(client: httpx.Client, job_id: str) -> str:
    found: str = client.get(f"/v1/jobs/{job_id}").json()["status"]
    return found


def test_two_servers_work_on_one_database_as_one(pair: Pair) -> None:
    one, two = pair.clients
    one.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    one.post("/v1/banks/desk/experiences", json=PRINTER).raise_for_status()

    def retrieved(client: httpx.Client) -> list[str]:
        found: Any = client.post("/v1/banks/desk/retrieve", json={"question": QUESTION})
        return [hit["content"] for hit in found.raise_for_status().json()["hits"]]

    assert retrieved(two) == [PRINTER["content"]]
    changed = {"experiences": [{"when_to_use": "A badge was lost.", "content": "Badges go to FX-44."}]}
    two.post("/v1/banks/desk/experiences", json=changed).raise_for_status()
    listed = [one.get("/v1/banks/desk/experiences").json(), two.get("/v1/banks/desk/experiences").json()]
    assert listed[0] == listed[1]
    assert len(listed[0]["data"]) == 2

    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(lambda n: begun(pair.clients[n % 2], 12, "once"), range(6)))
    (job_id,) = {response.raise_for_status().json()["id"] for response in made}
    runner = pair.runner_of(job_id)
    other = pair.clients[1 - runner]

    until(lambda: len(pair.committed()) >= 2)
    assert other.post(f"/v1/jobs/{job_id}/pause").json()["status"] == "paused"
    assert [status(client, job_id) for client in pair.clients] == ["paused", "paused"]
    other.post(f"/v1/jobs/{job_id}/resume").raise_for_status()
    until(lambda: status(other, job_id) not in ("queued", "running"))

    job = pair.clients[runner].get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["request_counts"]["completed"]) == ("succeeded", 12)
    assert len(pair.asked()) == len(set(pair.asked())) == job["usage"]["calls"]


def test_a_job_whose_server_is_killed_for_good_is_finished_by_the_other(pair: Pair) -> None:
    pair.clients[0].post("/v1/banks", json={"name": "desk"}).raise_for_status()
    job_id = begun(pair.clients[0], 16).raise_for_status().json()["id"]
    runner = pair.runner_of(job_id)
    until(lambda: len(pair.committed()) >= 6)

    pair.servers[runner].kill()
    until(lambda: all_answered(pair))
    committed, asked = pair.committed(), len(pair.asked())
    survivor = pair.clients[1 - runner]
    until(lambda: status(survivor, job_id) not in ("queued", "running"))

    job = survivor.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["request_counts"]["completed"]) == ("succeeded", 16)
    again = pair.asked()[asked:]
    assert not committed & set(again), "a committed call is not made again"
    assert len(again) == len(set(again))
    assert pair.committed() == set(pair.asked())
    check_that_replies_landed_at_their_samples(pair)


def test_a_server_that_only_stood_still_does_not_run_its_job_beside_the_other(pair: Pair) -> None:
    pair.clients[0].post("/v1/banks", json={"name": "desk"}).raise_for_status()
    job_id = begun(pair.clients[0], 12).raise_for_status().json()["id"]
    runner = pair.runner_of(job_id)
    until(lambda: len(pair.committed()) >= 4)
    stopped = pair.servers[runner].process
    assert stopped is not None

    os.kill(stopped.pid, signal.SIGSTOP)
    until(lambda: pair.runner_of(job_id) != runner)  # its lease has lapsed, the other waits for its lock
    asked = len(pair.asked())
    os.kill(stopped.pid, signal.SIGCONT)
    until(lambda: status(pair.clients[1 - runner], job_id) not in ("queued", "running"))

    job = pair.clients[1 - runner].get(f"/v1/jobs/{job_id}").json()
    assert job["status"] == "succeeded"
    assert len(pair.asked()) == len(set(pair.asked())) > asked


def test_a_name_is_one_servers_only(pair: Pair) -> None:
    third = Server(
        pair.servers[0].data, pair.servers[0].provider, more=pair.servers[1].more | {"TED_REPLICA": "one"}
    )
    third.process = third.command("--port", "0")

    said = third.end()

    assert third.exit_code != 0
    assert "is called 'one': stop it, or set TED_REPLICA" in said


def all_answered(pair: Pair) -> bool:
    provider = pair.servers[0].provider
    return len(provider.events("received")) == len(provider.events("replied"))
