"""`dry_run` of distillations and evaluations: a bound that the job keeps, what is expected, and nothing asked."""

from __future__ import annotations

from typing import Any

import pytest

from ted.bank.bank import Bank
from ted.chat import ScriptedChat
from ted.jobs.distillation import Options
from ted.jobs.estimate import estimate_distillation
from ted.sample import Question, Sample
from ted.settings import Budget
from tests.api_desk import Desk, check_problem
from tests.desk_models import samples
from tests.upstream import Upstream

SAMPLES = [Sample(f"s{n}", Question(f"How many are in {n}?"), "4") for n in range(8)]


def priced(usd: float | None) -> ScriptedChat:
    return ScriptedChat(lambda request: "", usd_per_token=usd)


def test_an_estimate_asks_and_writes_nothing(desk: Desk, provider: Upstream) -> None:
    asked, before = len(provider.call_keys), desk.client.get(desk.path).json()

    response = desk.distil(4, dry_run=True, budget={"calls": 3})

    estimate = response.json()
    assert (response.status_code, estimate["object"], estimate["items"]) == (200, "distillation.estimate", 4)
    assert estimate["fits_budget"] is False
    assert {r["role"]: r["model"] for r in estimate["roles"]} == {
        "student": "openai/student",
        "solve": "openai/teacher",
        "explain": "openai/teacher",
        "compress": "openai/teacher",
        "critique": "openai/teacher",
        "mend": "openai/teacher",
        "merge": "openai/teacher",
    }
    assert estimate["expected"]["cost_usd"] is None
    assert len(provider.call_keys) == asked
    assert desk.client.get(desk.path).json() == before
    assert desk.client.get("/v1/jobs").json()["data"] == []


@pytest.mark.parametrize("options", [{}, {"epochs": 2, "batch_size": 2}])
def test_the_job_stays_within_the_bound(desk: Desk, options: dict[str, Any]) -> None:
    sent = {"samples": samples(6), "trajectories": 2, **options}
    path = f"{desk.path}/distillations"

    upper = desk.client.post(path, json=sent | {"dry_run": True}).json()["upper"]
    job = desk.ended(desk.client.post(path, json=sent).json()["id"])

    assert 0 < job["usage"]["calls"] <= upper["calls"]
    assert job["usage"]["prompt_tokens"] <= upper["prompt_tokens"]
    assert job["usage"]["completion_tokens"] <= upper["completion_tokens"]


def test_what_is_expected_grows_with_the_work_and_is_below_the_bound(bank: Bank) -> None:
    def estimated(**options: Any) -> Any:
        model = priced(0.001)
        return estimate_distillation(bank, SAMPLES, Options(**options), student=model, teacher=model)

    one, two, more = estimated(), estimated(epochs=2), estimated(trajectories=9)

    for estimate in (one, two, more):
        assert estimate.expected.calls < estimate.upper.calls
        assert 0 < estimate.expected.cost_usd < estimate.upper.cost_usd
    assert two.items == 2 * one.items
    student = {
        e: next(r for r in x.roles if r.role == "student").expected.calls for e, x in (("1", one), ("2", two))
    }
    assert student == {"1": 40, "2": 80}
    assert more.expected.calls == one.expected.calls + 8 * 4


def test_tries_that_the_teacher_does_not_make_are_not_counted(bank: Bank) -> None:
    model = priced(0.001)

    def asked(**options: Any) -> dict[str, tuple[int, int]]:
        chosen = Options(**options)
        estimate = estimate_distillation(bank, SAMPLES, chosen, student=model, teacher=model)
        return {r.role: (r.expected.calls, r.upper.calls) for r in estimate.roles}

    usual, without = asked(), asked(solves=0)
    assert usual["solve"][0] == len(SAMPLES)
    assert "solve" not in without
    assert without["explain"][0] == len(SAMPLES)
    assert asked(solves=0, profile="compact").keys().isdisjoint({"solve", "explain"})


def test_a_price_that_is_not_known_is_not_nothing(bank: Bank) -> None:
    estimate = estimate_distillation(bank, SAMPLES, Options(), student=priced(0.001), teacher=priced(None))

    assert estimate.expected.cost_usd is None
    assert estimate.expected.fits(Budget(usd=1.0)) is None
    assert estimate.expected.fits(Budget(calls=1)) is False
    assert estimate.expected.fits(Budget(tokens=10**9, calls=10**6)) is True


def test_an_evaluation_is_estimated_and_stays_within_its_bound(desk: Desk, provider: Upstream) -> None:
    sent = {"samples": samples(3), "arms": ["none", "retrieve", "teacher"], "budget": {"calls": 9}}
    path, asked = f"{desk.path}/evaluations", len(provider.call_keys)

    response = desk.client.post(path, json=sent | {"dry_run": True})

    estimate = response.json()
    assert (response.status_code, estimate["object"], estimate["items"]) == (200, "evaluation.estimate", 9)
    assert [(r["role"], r["upper"]["calls"]) for r in estimate["roles"]] == [("student", 6), ("teacher", 3)]
    assert estimate["fits_budget"] is True
    assert (len(provider.call_keys), desk.client.get("/v1/jobs").json()["data"]) == (asked, [])
    job = desk.ended(desk.client.post(path, json=sent).json()["id"])
    assert job["usage"]["calls"] == estimate["expected"]["calls"] == 9
    assert job["usage"]["prompt_tokens"] <= estimate["upper"]["prompt_tokens"]


def test_an_estimate_of_bad_samples_is_refused(still_desk: Desk) -> None:
    body = {"samples": [{"question": "a", "answer": ""}], "dry_run": True}

    response = still_desk.client.post(f"{still_desk.path}/distillations", json=body)

    check_problem(response, 422, "invalid_samples", ["body", "samples", 0, "answer"])
