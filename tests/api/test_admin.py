"""The administrator's routes that do something: what was spent by bank and model, and an index built anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ted.bank.job_tables import CallRow
from ted.bank.tables import EmbeddingRow
from tests.api_desk import Desk, check_problem

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
SUMS = ("calls", "failed_calls", "prompt_tokens", "completion_tokens", "priced_usd", "unpriced_calls")


def called(desk: Desk, key: str, model: str, bank_id: str | None, **values: Any) -> None:
    """A call in the ledger, 10 and 5 tokens for 0.5 dollars unless it is said otherwise."""
    given = {"outcome": "ok", "prompt_tokens": 10, "completion_tokens": 5, "cost_usd": 0.5, "created_at": DAY}
    row = CallRow(
        call_key=f"ans_{key}:0:0:student:0",
        project_id="proj_default",
        bank_id=bank_id,
        owner=f"ans_{key}",
        role="student",
        model=model,
        fingerprint=key,
        **(given | values),
    )
    with desk.service.ted.database.writing() as session:
        session.add(row)


@pytest.fixture
def spent(desk: Desk) -> dict[str, str]:
    """Ids of two banks by name; calls of two models for them, for one that is gone, and for none."""
    desk.client.post("/v1/banks", json={"name": "other"}).raise_for_status()
    ids = {name: desk.service.ted.banks.find(name) for name in ("desk", "other")}
    called(desk, "1", "small", ids["desk"])
    called(desk, "2", "small", ids["desk"], prompt_tokens=7, created_at=DAY + timedelta(hours=1))
    called(desk, "3", "large", ids["desk"], cost_usd=None)
    called(desk, "4", "large", ids["other"], outcome="failed", prompt_tokens=0, completion_tokens=0)
    called(desk, "5", "small", "bank_gone")
    called(desk, "6", "small", None)
    return ids


def usage(desk: Desk, **asked: str) -> dict[tuple[str | None, str], tuple[Any, ...]]:
    """The sums by bank and model, once it is sure that they come to the total."""
    response = desk.client.get("/v1/admin/usage", params=asked)
    assert response.status_code == 200, response.text
    body = response.json()
    rows = body["by_bank_and_model"]
    for name in SUMS:
        assert body["total"][name] == sum(row[name] for row in rows)
    return {
        (row["bank"] or row["bank_id"], row["model"]): (*(row[name] for name in SUMS), row["cost_usd"])
        for row in rows
    }


def test_what_was_spent_is_summed_by_bank_and_model(desk: Desk, spent: dict[str, str]) -> None:
    assert usage(desk) == {
        ("desk", "small"): (2, 0, 17, 10, 1.0, 0, 1.0),
        ("desk", "large"): (1, 0, 10, 5, 0.0, 1, None),
        ("other", "large"): (0, 1, 0, 0, 0.0, 0, 0.0),
        ("bank_gone", "small"): (1, 0, 10, 5, 0.5, 0, 0.5),
        (None, "small"): (1, 0, 10, 5, 0.5, 0, 0.5),
    }


@pytest.mark.parametrize(
    ("asked", "calls"),
    [
        ({"since": "2026-03-01T12:30:00Z"}, 1),
        ({"since": "2026-03-01T14:30:00+02:00"}, 1),
        ({"since": "2026-03-01T12:00:00"}, 2),
        ({"until": "2026-03-01T12:00:00Z"}, 0),
        ({"until": "2026-03-01T12:00:01Z"}, 1),
    ],
)
def test_only_the_calls_of_a_time_and_a_bank_are_summed(
    desk: Desk, spent: dict[str, str], asked: dict[str, str], calls: int
) -> None:
    found = usage(desk, bank="desk", **asked)

    assert found.get(("desk", "small"), (0,))[0] == calls
    assert {bank for bank, _ in found} <= {"desk"}


def test_another_projects_calls_are_not_told(desk: Desk, spent: dict[str, str]) -> None:
    desk.give_away(CallRow)

    assert usage(desk) == {}


def test_usage_of_an_unknown_bank_or_time_is_refused(still_desk: Desk) -> None:
    client = still_desk.client
    check_problem(client.get("/v1/admin/usage?bank=nobody"), 404, "not_found")
    where: list[str | int] = ["query", "since"]
    for moment in (
        "yesterday",
        "0.5",
        "1767225600",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
    ):
        refused = client.get("/v1/admin/usage", params={"since": moment})
        check_problem(refused, 422, "validation_failed", where)


def test_an_index_is_built_anew_from_the_store(desk: Desk) -> None:
    question = {"question": "A printer is jammed."}
    before = desk.client.post(f"{desk.path}/retrieve", json=question).json()
    bank = desk.service.ted.bank("desk")
    with desk.service.ted.database.writing() as session:
        session.query(EmbeddingRow).update({EmbeddingRow.vector: bytes(4) * bank._embedders.text.dimension})
    assert desk.client.post(f"{desk.path}/retrieve", json=question).json() == before

    response = desk.client.post("/v1/admin/banks/desk/reindex")

    assert response.status_code == 200, response.text
    done = response.json()
    assert (done["keys"], done["revision"]) == (done["keys_before"], bank.record.revision)
    assert done["keys"] > 0
    assert desk.client.post(f"{desk.path}/retrieve", json=question).json() != before


def test_an_index_that_is_built_anew_finds_the_same(desk: Desk) -> None:
    question = {"question": "A printer is jammed."}
    before = desk.client.post(f"{desk.path}/retrieve", json=question).json()

    desk.client.post("/v1/admin/banks/desk/reindex").raise_for_status()

    assert desk.client.post(f"{desk.path}/retrieve", json=question).json() == before
    check_problem(desk.client.post("/v1/admin/banks/nobody/reindex"), 404, "not_found")
