"""Trials over HTTP: set for a bank, told in an answer, in statistics and in the metrics."""

from __future__ import annotations

from tests.api_desk import Desk


def test_what_chance_may_decide_is_a_setting_of_a_bank(desk: Desk) -> None:
    before = desk.client.get(desk.path).json()

    changed = desk.client.patch(desk.path, json={"trials": {"bypass": "serve_without"}}).json()

    assert before["trials"] == {"when": "graded", "control_rate": 0.02, "bypass": "alarm"}
    assert changed["trials"] == {"when": "graded", "control_rate": 0.02, "bypass": "serve_without"}
    assert changed["alarm"] is False
    refused = desk.client.patch(desk.path, json={"trials": {"control_rate": 0.9}})
    assert refused.status_code == 422


def test_an_answer_tells_what_chance_left_out(desk: Desk) -> None:
    desk.client.patch(desk.path, json={"trials": {"when": "always", "control_rate": 0.5}}).raise_for_status()

    body = {"bank": "desk", "question": "A printer is jammed: which queue?", "min_similarity": -2}
    answers = [desk.client.post("/v1/answers", json=body).json() for _ in range(25)]

    control = [a for a in answers if a["control"]]
    assert 0 < len(control) < 25
    assert all(not any(e["shown"] for e in a["experiences"]) and a["withheld"] == [] for a in control)
    for one in answers:
        if not one["control"]:
            assert one["withheld"] == [e["id"] for e in one["experiences"] if not e["shown"]]
    assert not any(a["bypassed"] for a in answers)


def test_statistics_and_metrics_tell_of_an_alarm(desk: Desk) -> None:
    bank = desk.service.ted.bank("desk")
    calm = desk.client.get("/v1/admin/banks/desk/stats").json()["trials"]
    with bank.database.writing() as session:
        bank._row(session).alarm = {"raised": True, "since": "2026-01-01T00:00:00+00:00", "evidence": 21.0}

    told = desk.client.get("/v1/admin/banks/desk/stats").json()["trials"]
    metrics = desk.client.get("/metrics").text

    assert (calm["alarm"], calm["evidence"], calm["needed"], calm["difference"]) == (False, 1.0, 20.0, None)
    assert (told["alarm"], told["since"]) == (True, "2026-01-01T00:00:00Z")
    assert f'ted_bank_alarm{{bank="{bank.id}"}} 1' in metrics


def test_an_experience_tells_its_utility_with_interval_and_evidence_and_what_the_gate_found(
    desk: Desk,
) -> None:
    shown = desk.experiences()[0]

    assert shown["gate"] is None
    assert shown["usage"]["utility"] == {
        "mean": None,
        "low": -1.0,
        "high": 1.0,
        "shown": 0.0,
        "withheld": 0.0,
    }


def test_a_dry_run_counts_the_calls_of_a_gate(desk: Desk) -> None:
    sample = {"question": "Which queue takes a lamp?", "answer": "FX-1"}
    body = {"samples": [sample], "dry_run": True, "profile": "compact"}

    def calls(gate: str) -> dict[str, int]:
        told = desk.client.post(f"{desk.path}/distillations", json=body | {"gate": gate}).json()
        return {role["role"]: role["upper"]["calls"] for role in told["roles"]}

    assert "gate" not in calls("none")
    assert 0 < calls("sample")["gate"] < calls("neighbours")["gate"]
