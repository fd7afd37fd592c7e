"""`ted serve` told to end: what runs is finished, what is new is refused, and a second signal ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.desk_models import samples
from tests.serving import Server, until
from tests.upstream import running_upstream


@contextmanager
def serving(folder: Path, script: str, seconds: float, **more: str) -> Iterator[Server]:
    """A server whose provider takes so many seconds for each call."""
    with running_upstream(script, latency=(seconds, seconds)) as provider:
        made = Server(folder, provider, more=more)
        yield made
        if made.process is not None:
            made.process.kill()
            made.process.communicate()


def ask(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/answers", json={"bank": "desk", "question": "Ticket s01 tells of what?"})


def asked(server: Server) -> bool:
    return len(server.provider.call_keys) > 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_running_request_is_finished_and_a_new_one_refused(tmp_path: Path, how: signal.Signals) -> None:
    with serving(tmp_path, "echo", 3) as server, ThreadPoolExecutor() as pool:
        client = server.start()
        client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
        running = pool.submit(ask, client)
        until(lambda: asked(server))

        assert server.process is not None
        server.process.send_signal(how)
        until(lambda: client.get("/readyz").status_code == 503)
        ready, alive, new = client.get("/readyz"), client.get("/healthz"), client.get("/v1/banks")
        printed = server.end()

    assert "draining" in ready.json()["detail"]
    assert alive.status_code == 200
    assert (new.status_code, new.json()["code"]) == (503, "draining")
    assert int(new.headers["Retry-After"]) > 0
    assert running.result().status_code == 200
    assert server.exit_code == 0
    assert "draining: 1 requests and model calls under way" in printed
    assert "Traceback" not in printed


def test_what_takes_longer_than_the_limit_is_cut_short(tmp_path: Path) -> None:
    with serving(tmp_path, "echo", 600, TED_DRAIN_SECONDS="0.2") as server, ThreadPoolExecutor() as pool:
        client = server.start()
        client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
        running = pool.submit(ask, client)
        until(lambda: asked(server))

        printed = server.stop(signal.SIGTERM)

    cut_short = running.exception()
    assert isinstance(cut_short, httpx.TransportError) or running.result().status_code >= 500
    assert server.exit_code == 0
    assert "1 requests and model calls are cut short (TED_DRAIN_SECONDS)" in printed


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, "echo", 600) as server, ThreadPoolExecutor() as pool:
        client = server.start()
        client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
        running = pool.submit(ask, client)
        until(lambda: asked(server))

        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        until(lambda: client.get("/readyz").status_code == 503)
        server.stop(signal.SIGTERM)

    assert server.exit_code == -signal.SIGTERM
    assert isinstance(running.exception(), httpx.TransportError)


def test_a_job_stops_between_two_calls_and_goes_on_at_the_next_start(tmp_path: Path) -> None:
    with serving(tmp_path, "tests.desk_models:reply", 0.4) as server:
        client = server.start()
        client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
        body = {"samples": samples(4), "trajectories": 2, "batch_size": 2}
        job_id = client.post("/v1/banks/desk/distillations", json=body).json()["id"]
        until(
            lambda: len(server.committed()) >= 2 and len(server.provider.call_keys) > len(server.committed())
        )

        server.stop(signal.SIGTERM)
        called, committed = server.provider.call_keys, server.committed()

        client = server.start()
        until(lambda: client.get(f"/v1/jobs/{job_id}").json()["status"] not in ("queued", "running"))
        job, everything = client.get(f"/v1/jobs/{job_id}").json(), server.provider.call_keys

    assert committed == set(called), "each call that had begun was kept"
    assert (job["status"], job["request_counts"]["completed"]) == ("succeeded", 4)
    assert len(everything) == len(set(everything)) > len(called)
