"""The figures of the administrator equal what is recomputed in Python from every row, after a mixed history."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

from api.app import create_app
from ted.bank.calls import Owner
from ted.bank.usage import usage_from_exposures, usage_of
from ted.chat import ChatRequest, Message, Reply, Usage
from ted.cli.main import app as cli
from tests.api.conftest import settings_at
from tests.api_desk import Desk
from tests.blanks import Blank
from tests.desk_models import name, topic
from tests.store_portrait import reading
from tests.upstream import Upstream

Row = dict[str, Any]
Figures = dict[str, Any]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory, blank: Blank, provider: Upstream) -> Iterator[Desk]:
    """A desk after two distillations, answers of each kind, abstentions, failures, edits and retirements."""
    settings = settings_at(tmp_path_factory.mktemp("lived"), blank, provider)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        desk = Desk(client).made()
        client.patch(desk.path, json={"retrieval": {"gap": 2, "min_similarity": -2}}).raise_for_status()
        desk.ended(desk.distil(16, compress_every=2).json()["id"])
        for n in range(6):
            desk.ask(f"Ticket {name(n)} tells of {topic(n)}: which queue now?")
            desk.ask(f"Something else {n}?", min_similarity=2)
        desk.ask(mode="none")
        desk.ask("provider says 401")
        active = desk.experiences(status="active", limit=100)
        client.delete(f"{desk.path}/experiences/{active[0]['id']}").raise_for_status()
        for experience, edit in (
            (active[1], {"content": "FX-99"}),
            (active[2], {"pinned": True}),
            (active[3], {"status": "quarantined"}),
        ):
            client.patch(f"{desk.path}/experiences/{experience['id']}", json=edit).raise_for_status()
        client.post(f"{desk.path}/experiences", json={"when_to_use": "Unheard of.", "content": "Nothing."})
        desk.ended(desk.distil(6, epochs=2, profile="compact").json()["id"])
        paused = desk.distil(5, budget={"calls": 3}).json()["id"]
        desk.ended(paused)
        _pay(desk)
        client.post("/v1/banks", json={"name": "other"}).raise_for_status()
        Desk(client, "/v1/banks/other").distil(1)
        desk.ended(client.get("/v1/jobs", params={"order": "desc"}).json()["data"][0]["id"])
        yield desk


def _pay(desk: Desk) -> None:
    """Two calls whose price is known, and one role all of whose prices are."""
    bank = desk.service.ted.bank("desk")
    owner = Owner(bank.record.project_id, bank.id, "ans_paid")
    for key, cost in (
        ("ans_paid:0:0:student:0", 0.25),
        ("ans_paid:0:0:judge:0", 0.5),
        ("b:0:0:judge:1", 0.0),
    ):
        request = ChatRequest(key, (Message("user", ("?",)),), max_tokens=5)
        reply = Reply("!", "openai/student", Usage(10, 5, cost))
        desk.service.ted.calls.commit(request, reply, owner)


@pytest.fixture(scope="module")
def rows(lived_in: Desk) -> dict[str, list[Row]]:
    """Every row of every table that the figures are made from, read without SQLAlchemy."""
    tables = "banks experiences usage_counters exposures revisions answers jobs job_items model_calls experience_keys"
    settings = lived_in.service.ted.settings
    store = settings.store_url if settings.database_url else settings.data_dir / "ted.sqlite"

    def all_of(connection: Any, table: str) -> list[Row]:
        found = connection.execute(f"select * from {table}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    with reading(store) as connection:
        return {table: all_of(connection, table) for table in tables.split()}


@pytest.fixture(scope="module")
def bank_id(lived_in: Desk) -> str:
    found: str = lived_in.client.get(lived_in.path).json()["id"]
    return found


@pytest.fixture(scope="module")
def figures(lived_in: Desk) -> Figures:
    response = lived_in.client.get("/v1/admin/banks/desk/stats")
    assert response.status_code == 200, response.text
    found: Figures = response.json()
    return found


def of(rows: list[Row], bank_id: str) -> list[Row]:
    return [row for row in rows if row["bank_id"] == bank_id]


def test_the_history_is_mixed(figures: Figures) -> None:
    assert {o for g in figures["growth"] for o in [g["reason"]]} >= {"api", "distillation"}
    assert all(figures["experiences"][status] for status in ("active", "retired", "quarantined"))
    assert set(figures["jobs"]) == {"succeeded", "paused"}
    assert set(figures["answers"]) == {"retrieve", "none"}
    assert figures["utility"]["graded"] > 0


def test_experiences_are_counted_by_status(
    figures: Figures, rows: dict[str, list[Row]], bank_id: str
) -> None:
    mine = of(rows["experiences"], bank_id)

    counted = Counter(row["status"] for row in mine)
    assert {status: n for status, n in figures["experiences"].items() if n} == counted
    assert set(figures["experiences"]) == {"active", "candidate", "quarantined", "rejected", "retired"}
    assert figures["pinned"] == sum(row["pinned"] for row in mine) == 1


def test_growth_is_the_revisions(figures: Figures, rows: dict[str, list[Row]], bank_id: str) -> None:
    mine = sorted(of(rows["revisions"], bank_id), key=lambda row: row["revision"])

    told = [(g["revision"], g["active"], g["reason"], g["job"]) for g in figures["growth"]]
    assert told == [(r["revision"], r["active"], r["reason"], r["job_id"]) for r in mine]
    assert figures["growth"][-1]["active"] == figures["experiences"]["active"]
    assert figures["revision"] == mine[-1]["revision"]


def counted_anew(rows: dict[str, list[Row]], bank_id: str) -> dict[str, Counter[str]]:
    """The counters of each experience's present version, from its exposures."""
    version = {row["id"]: row["version"] for row in of(rows["experiences"], bank_id)}
    counts: dict[str, Counter[str]] = {i: Counter() for i in version}
    for row in of(rows["exposures"], bank_id):
        if row["version"] != version[row["experience_id"]]:
            continue
        side = "shown" if row["shown"] else "withheld"
        one = counts[row["experience_id"]]
        one["retrieved"] += 1
        one[side] += 1
        one["cited"] += bool(row["cited"])
        one[row["verdict"] or "no verdict"] += 1
        if row["outcome"] is not None and not row["own_source"]:
            one[f"{side}_correct"] += row["outcome"]
            one[f"{side}_wrong"] += 1 - row["outcome"]
    return counts


def test_usage_sums_the_exposures_of_present_versions(
    figures: Figures, rows: dict[str, list[Row]], bank_id: str
) -> None:
    total = sum(counted_anew(rows, bank_id).values(), Counter())

    assert figures["usage"] == {name: pytest.approx(total[name]) for name in figures["usage"]}
    assert set(total) - {"no verdict", "neutral"} <= set(figures["usage"])
    assert figures["usage"]["retrieved"] > 20


def test_counters_equal_what_the_exposures_say(lived_in: Desk, bank_id: str) -> None:
    with lived_in.service.ted.database.reading() as session:
        kept, recomputed = usage_of(session, bank_id), usage_from_exposures(session, bank_id)

    assert kept.keys() == recomputed.keys()
    for experience_id, stats in kept.items():
        for field in ("retrieved", "shown", "withheld", "cited", "helpful", "harmful"):
            assert getattr(stats, field) == getattr(recomputed[experience_id], field)
        for field in ("shown_correct", "shown_wrong", "withheld_correct", "withheld_wrong"):
            assert getattr(stats, field) == pytest.approx(getattr(recomputed[experience_id], field))


def test_utility_is_that_of_active_experiences_for_which_chance_decided(
    figures: Figures, rows: dict[str, list[Row]], bank_id: str
) -> None:
    version = {r["id"]: r["version"] for r in of(rows["experiences"], bank_id) if r["status"] == "active"}
    sides: dict[tuple[str, bool], list[tuple[float, float]]] = defaultdict(list)
    for row in of(rows["exposures"], bank_id):
        counts = row["outcome"] is not None and not row["own_source"] and row["propensity"] < 1
        if counts and row["version"] == version.get(row["experience_id"]):
            weight = 1 - row["propensity"] if row["shown"] else row["propensity"]
            sides[row["experience_id"], bool(row["shown"])].append((weight, row["outcome"]))

    known = {i for i in version if sides[i, True] and sides[i, False]}

    told = figures["utility"]
    assert (told["graded"], told["ungraded"]) == (len(known), len(version) - len(known))
    assert {e["id"] for e in told["top"]} <= known
    assert sum(b["count"] for b in told["distribution"]) == len(known)
    assert [b["low"] for b in told["distribution"]] == pytest.approx([-1 + n / 5 for n in range(10)])
    assert told["distribution"][-1]["high"] == 1
    for one in told["top"]:
        shown, withheld = (
            sum(w for w, _ in sides[one["id"], side]) ** 2 / sum(w * w for w, _ in sides[one["id"], side])
            for side in (True, False)
        )
        assert (one["shown"], one["withheld"]) == (pytest.approx(shown), pytest.approx(withheld))
        assert one["low"] <= one["utility"] <= one["high"]
    best = [e["utility"] for e in told["top"]]
    worst = [e["utility"] for e in told["worst"]]
    assert best == sorted(best, reverse=True)
    assert worst == sorted(worst)


def test_the_never_used_are_the_active_that_were_never_retrieved(
    figures: Figures, rows: dict[str, list[Row]], bank_id: str
) -> None:
    counts = counted_anew(rows, bank_id)
    unused = [
        row["id"]
        for row in sorted(of(rows["experiences"], bank_id), key=lambda row: row["id"])
        if row["status"] == "active" and not counts[row["id"]]["retrieved"]
    ]

    assert unused
    assert figures["never_used"] == {"count": len(unused), "oldest": unused[:10]}


def test_rates_are_of_the_questions_asked_of_the_bank(
    figures: Figures, rows: dict[str, list[Row]], bank_id: str
) -> None:
    answers = [row for row in of(rows["answers"], bank_id) if row["mode"] == "retrieve"]
    jobs = {row["id"] for row in of(rows["jobs"], bank_id)}
    frozen = [json.loads(row["retrieval"] or "null") for row in rows["job_items"] if row["job_id"] in jobs]
    asked = {
        "answers": [not json.loads(row["retrieved"]) for row in answers],
        "distillation": [not retrieval["retrieved"] for retrieval in frozen if retrieval],
    }

    for kind, abstained in asked.items():
        told = figures["retrieval"][kind]
        assert (told["questions"], told["abstained"]) == (len(abstained), sum(abstained))
        assert told["hits"] == len(abstained) - sum(abstained)
        assert told["abstain_rate"] == pytest.approx(sum(abstained) / len(abstained))
        assert told["hit_rate"] == pytest.approx(1 - told["abstain_rate"])
    assert figures["retrieval"]["answers"]["abstained"] == 6
    assert figures["answers"] == Counter(row["mode"] for row in of(rows["answers"], bank_id))


def spent_anew(calls: list[Row]) -> dict[tuple[str, str], Row]:
    sums: dict[tuple[str, str], Row] = {}
    for call in calls:
        key = (call["role"].split(".")[0], call["model"])
        one = sums.setdefault(
            key,
            {"calls": 0, "failed": 0, "prompt": 0, "completion": 0, "priced": 0.0, "unpriced": 0},
        )
        if call["outcome"] != "ok":
            one["failed"] += 1
            continue
        one["calls"] += 1
        one["prompt"] += call["prompt_tokens"]
        one["completion"] += call["completion_tokens"]
        one["unpriced"] += call["cost_usd"] is None
        one["priced"] += call["cost_usd"] or 0.0
    return sums


def check_spending(told: Figures, calls: list[Row]) -> None:
    expected = spent_anew(calls)
    found = {(part["role"], part["model"]): part for part in told["by_role_and_model"]}
    assert found.keys() == expected.keys()
    total = {
        name: sum(part[name] for part in expected.values()) for name in next(iter(expected.values()), {})
    }
    for part, sums in [(told["total"], total), *((found[key], sums) for key, sums in expected.items())]:
        assert (part["calls"], part["failed_calls"]) == (sums["calls"], sums["failed"])
        assert (part["prompt_tokens"], part["completion_tokens"]) == (sums["prompt"], sums["completion"])
        assert part["unpriced_calls"] == sums["unpriced"]
        assert part["priced_usd"] == pytest.approx(sums["priced"])
        assert part["cost_usd"] == (None if sums["unpriced"] else pytest.approx(sums["priced"]))


def test_tokens_and_cost_are_those_of_the_ledger_by_role_and_model(
    figures: Figures, rows: dict[str, list[Row]], bank_id: str
) -> None:
    check_spending(figures["spending"], of(rows["model_calls"], bank_id))

    assert figures["spending"]["total"]["failed_calls"] >= 1


def test_an_unknown_price_stays_unknown_beside_known_ones(figures: Figures) -> None:
    parts = {(p["role"], p["model"]): p for p in figures["spending"]["by_role_and_model"]}

    student, judge = parts["student", "openai/student"], parts["judge", "openai/student"]
    assert (student["cost_usd"], student["priced_usd"]) == (None, 0.25)
    assert student["unpriced_calls"] == student["calls"] - 1
    assert (judge["cost_usd"], judge["priced_usd"], judge["unpriced_calls"]) == (0.5, 0.5, 0)
    assert figures["spending"]["total"]["cost_usd"] is None


def test_jobs_are_counted_by_status(figures: Figures, rows: dict[str, list[Row]], bank_id: str) -> None:
    assert figures["jobs"] == Counter(row["status"] for row in of(rows["jobs"], bank_id))


def test_the_index_is_as_far_as_the_store_once_it_was_asked(
    lived_in: Desk, rows: dict[str, list[Row]], bank_id: str
) -> None:
    lived_in.client.post(f"{lived_in.path}/retrieve", json={"question": "?"}).raise_for_status()

    health = lived_in.client.get("/v1/admin/banks/desk/stats").json()["index"]

    served = {r["id"] for r in of(rows["experiences"], bank_id) if r["status"] in ("active", "candidate")}
    keys = sum(row["experience_id"] in served for row in rows["experience_keys"])
    assert health["revision_lag"] == 0
    assert health["store_revision"] == health["index_revision"] > 0
    assert health["keys"] == keys


def test_near_duplicates_are_counted_where_they_are_asked_for(desk: Desk) -> None:
    twin = {"when_to_use": "A printer is jammed or offline!", "content": "Printers go to queue FX-31!"}
    desk.client.post(f"{desk.path}/experiences", json=twin).raise_for_status()

    def counted(**query: Any) -> Any:
        return desk.client.get("/v1/admin/banks/desk/stats", params=query).json()["near_duplicates"]

    assert counted() is None
    assert counted(near_duplicates=True) == {"clusters": 1, "experiences": 2}


def test_the_figures_of_all_banks_are_those_of_all_rows(lived_in: Desk, rows: dict[str, list[Row]]) -> None:
    told = lived_in.client.get("/v1/admin/stats").json()

    answers = [row for row in rows["answers"] if row["mode"] == "retrieve"]
    assert told["banks"] == len(rows["banks"]) == 2
    assert {s: n for s, n in told["experiences"].items() if n} == Counter(
        row["status"] for row in rows["experiences"]
    )
    assert told["jobs"] == Counter(row["status"] for row in rows["jobs"])
    assert told["retrieval"]["questions"] == len(answers)
    assert told["retrieval"]["abstained"] == sum(row["abstained"] for row in answers)
    check_spending(told["spending"], rows["model_calls"])


def test_a_new_bank_has_figures_without_a_division_by_zero(desk: Desk) -> None:
    desk.client.post("/v1/banks", json={"name": "new"}).raise_for_status()

    told = desk.client.get("/v1/admin/banks/new/stats").json()

    assert told["retrieval"]["answers"] == {
        "questions": 0,
        "hits": 0,
        "abstained": 0,
        "hit_rate": None,
        "abstain_rate": None,
    }
    assert (told["utility"]["mean"], told["utility"]["top"], told["growth"]) == (None, [], [])
    assert told["spending"]["total"]["cost_usd"] == 0


def test_utility_is_known_once_both_sides_have_a_question(desk: Desk) -> None:
    ids = {"printer": desk.experiences()[0]["id"]}
    with desk.service.ted.database.writing() as session:
        kept = "withheld_weight = 0.5, withheld_weight2 = 0.25, withheld_right = 0.5, withheld_right2 = 0.5"
        session.execute(text(f"update usage_counters set {kept} where experience_id = :printer"), ids)
    before = desk.client.get("/v1/admin/banks/desk/stats").json()["utility"]
    with desk.service.ted.database.writing() as session:
        kept = "shown_weight = 0.5, shown_weight2 = 0.25"
        session.execute(text(f"update usage_counters set {kept} where experience_id = :printer"), ids)

    told = desk.client.get("/v1/admin/banks/desk/stats").json()["utility"]

    assert (before["graded"], told["graded"]) == (0, 1)
    assert told["worst"][0]["utility"] == pytest.approx(1 / 3 - 2 / 3)


def test_the_command_line_tells_the_same(
    lived_in: Desk, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TED_DATA_DIR", str(lived_in.service.ted.settings.data_dir))
    if url := lived_in.service.ted.settings.database_url:
        monkeypatch.setenv("TED_DATABASE_URL", url.get_secret_value())
    monkeypatch.setenv("TED_TEXT_EMBEDDER", "hashing")
    monkeypatch.setenv("TED_STUDENT", lived_in.service.ted.settings.student)
    monkeypatch.setenv("COLUMNS", "100")

    told = CliRunner().invoke(cli, ["stats", "desk", "--json"])
    shown = CliRunner().invoke(cli, ["stats", "desk", "--near-duplicates"])

    printed = json.loads(told.stdout)
    same = figures.keys() - {"index", "growth"}
    assert {k: printed[k] for k in same} == {k: figures[k] for k in same}
    assert len(printed["growth"]) == len(figures["growth"])
    assert shown.exit_code == 0
    for words in (
        "Growth",
        "Utility",
        "Most useful",
        "Tokens and cost",
        "calls of unknown price",
        "abstained",
    ):
        assert words in shown.stdout
