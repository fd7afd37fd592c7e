"""`POST /v1/banks/{bank}/reembeddings`, at a server whose text embedder is another than the bank's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from api.app import create_app
from index.embedders.hashing import HashingEmbedder
from ted.bank.database import Database
from ted.bank.stored import StoredBank
from ted.jobs.submit import submit_reembedding
from ted.settings import Settings
from tests.api_desk import Desk, check_problem
from tests.desk_models import samples
from tests.reembedding import NEW, OLD, fill
from tests.stores import Store

ASKED = "What about the case 7 of the 0 kind?"


def reembed(desk: Desk, *, key: str | None = None, **body: bool) -> Response:
    headers = {"Idempotency-Key": key} if key else {}
    return desk.client.post(f"{desk.path}/reembeddings", json=body, headers=headers)


@pytest.fixture
def moved(settings: Settings) -> Iterator[Desk]:
    """A server with the hashing embedder of 256 dimensions, and a bank that was made with one of 64."""
    store = Store(Database(settings.store_url), HashingEmbedder(64), None)
    asyncio.run(fill(store.create(), count=10))
    store.database.close()
    with TestClient(create_app(settings), raise_server_exceptions=False) as running:
        yield Desk(running)


def test_a_bank_of_other_embedders_is_refused_then_embedded_anew_and_then_answers(moved: Desk) -> None:
    refused = check_problem(moved.ask(ASKED), 503, "store_mismatch")
    plan = reembed(moved, dry_run=True)
    begun = reembed(moved)

    job = moved.ended(begun.json()["id"])

    assert "with `ted reembed desk` or POST /v1/banks/bank_" in refused["detail"]
    bank = moved.client.get(moved.path).json()
    assert (plan.status_code, plan.json()) == (
        200,
        {
            "object": "reembedding.plan",
            "bank": bank["id"],
            "made_with": {"text": NEW, "image": None},
            "target": {"text": OLD, "image": None},
            "keys": 20,
            "texts": 20,
            "captions": 0,
            "images": 0,
        },
    )
    assert (begun.status_code, begun.json()["kind"]) == (202, "reembedding")
    assert begun.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert (job["status"], job["cost_usd"]) == ("succeeded", 0.0)
    assert job["request_counts"] == {
        "total": 20,
        "completed": 20,
        "failed": 0,
        "skipped": 0,
        "quarantined": 0,
    }
    assert (job["result"]["keys"], job["result"]["revision"]) == (20, 2)
    assert (bank["text_embedder"], bank["revision"]) == (OLD, 2)
    shown = moved.client.post(f"{moved.path}/retrieve", json={"question": ASKED}).json()
    assert shown["hits"][0]["content"] == "Do thing 7."
    events = moved.client.get(f"/v1/jobs/{job['id']}/events").json()["data"]
    assert {"done": 20, "total": 20} in [e["data"] for e in events if e["event"] == "job.progress"]


def test_the_same_request_under_a_key_makes_one_job(moved: Desk) -> None:
    first = reembed(moved, key="once").json()["id"]
    moved.ended(first)

    assert reembed(moved, key="once").json()["id"] == first
    other = {"json": {}, "headers": {"Idempotency-Key": "once"}}
    check_problem(moved.client.post(f"{moved.path}/compressions", **other), 409, "conflict")


def test_while_a_job_rests_the_bank_names_it_and_the_same_request_goes_on_with_it(moved: Desk) -> None:
    bank = StoredBank(moved.service.ted.banks.find("desk"), database=moved.service.ted.database)
    job = submit_reembedding(moved.service.ted, bank)
    moved.client.post(f"/v1/jobs/{job.id}/pause").raise_for_status()

    named = check_problem(moved.ask(ASKED), 503, "store_mismatch")
    refused = moved.client.post(f"{moved.path}/distillations", json={"samples": samples(1)})
    again = reembed(moved)

    assert f"is being re-embedded by job {job.id}, which is paused" in named["detail"]
    check_problem(refused, 503, "store_mismatch")
    assert again.json()["id"] == job.id
    assert moved.ended(job.id)["status"] == "succeeded"
    assert moved.distil(1).status_code == 202


def test_a_bank_that_is_not_there_is_not_embedded(still_desk: Desk) -> None:
    check_problem(still_desk.client.post("/v1/banks/none/reembeddings", json={}), 404, "not_found")
