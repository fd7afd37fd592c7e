"""/metrics: Prometheus' text format, and figures that are those of what was done."""

from __future__ import annotations

import re

import pytest

from ted.metrics import Counter, Histogram
from tests.api_desk import Desk

LINE = re.compile(r'(\w+)(\{(?:\w+="(?:[^"\\\n]|\\["\\n])*"(?:,(?=\w)|(?=\})))*\})? (\+Inf|-?[0-9.e+-]+)')


def metrics(desk: Desk) -> dict[str, float]:
    """By name and labels, as they stand in the text; each family is declared before its samples."""
    response = desk.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert response.text.endswith("\n")
    found: dict[str, float] = {}
    family = ""
    for line in response.text.splitlines():
        if line.startswith("#"):
            family = line.split()[2]
            assert re.match(r"# (HELP \w+ .+|TYPE \w+ (counter|gauge|histogram))$", line)
            continue
        match = LINE.fullmatch(line)
        assert match, line
        assert match[1] in (family, *(f"{family}_{part}" for part in ("bucket", "sum", "count")))
        name = match[1] + (match[2] or "")
        assert name not in found
        found[name] = float(match[3])
    return found


def ask(desk: Desk, question: str, **more: object) -> None:
    sent = {"bank": "desk", "question": question, **more}
    desk.client.post("/v1/answers", json=sent).raise_for_status()


def test_requests_are_counted_by_the_template_of_their_route(desk: Desk) -> None:
    for bank in ("desk", "nobody", "none"):
        desk.client.get(f"/v1/banks/{bank}")
    desk.client.get("/nowhere/at/all")

    found = metrics(desk)

    shown = 'ted_http_requests_total{method="GET",route="/v1/banks/{bank}",status='
    assert (found[shown + '"200"}'], found[shown + '"404"}']) == (1, 2)
    assert found['ted_http_requests_total{method="GET",route="other",status="404"}'] == 1
    assert found['ted_http_request_seconds_count{method="GET",route="/v1/banks/{bank}"}'] == 3
    assert not [name for name in found if "nobody" in name or "nowhere" in name]


def test_answers_are_measured_by_stage_similarity_and_abstention(desk: Desk) -> None:
    ask(desk, "The printer does not print.")
    ask(desk, "zzz qqq xxx", min_similarity=2)
    ask(desk, "The printer does not print.", mode="none")

    found = metrics(desk)

    assert found['ted_retrievals_total{outcome="found"}'] == 1
    assert found['ted_retrievals_total{outcome="abstained"}'] == 1
    assert found["ted_retrieval_similarity_count"] == 2
    stages = ("embed", "retrieve", "model", "total")
    assert [found[f'ted_answer_stage_seconds_count{{stage="{stage}"}}'] for stage in stages] == [3] * 4
    assert found['ted_answer_stage_seconds_sum{stage="total"}'] > 0


def test_tokens_and_calls_are_those_of_the_ledger(desk: Desk) -> None:
    ask(desk, "The printer does not print.")

    found, stats = metrics(desk), desk.client.get("/v1/admin/stats").json()["spending"]

    (role,) = stats["by_role_and_model"]
    labels = f'role="student",model="{role["model"]}"'
    assert found[f'ted_model_calls_total{{{labels},outcome="ok"}}'] == role["calls"] == 1
    for kind in ("prompt", "completion"):
        assert found[f'ted_tokens_total{{{labels},kind="{kind}"}}'] == role[f"{kind}_tokens"]
    assert found[f"ted_unpriced_calls_total{{{labels}}}"] == 1


def test_jobs_and_the_lag_of_an_index_are_told(desk: Desk) -> None:
    desk.client.post(f"{desk.path}/retrieve", json={"question": "A printer"}).raise_for_status()
    bank_id = desk.client.get(desk.path).json()["id"]
    assert metrics(desk)[f'ted_index_revision_lag{{bank="{bank_id}"}}'] == 0
    desk.client.post(f"{desk.path}/experiences", json={"when_to_use": "A parcel", "content": "PA-1"})

    found = metrics(desk)

    assert found[f'ted_index_revision_lag{{bank="{bank_id}"}}'] == 1
    assert found[f'ted_index_keys{{bank="{bank_id}"}}'] >= 3
    assert found['ted_jobs{status="running"}'] == 0
    assert (found["ted_draining"], found["ted_under_way"]) == (0, 0)


def test_a_deleted_bank_is_no_longer_told_of(desk: Desk) -> None:
    desk.client.post(f"{desk.path}/retrieve", json={"question": "A printer"}).raise_for_status()
    desk.service.ted.banks.delete(desk.service.ted.banks.find("desk"))  # by another process

    assert not [name for name in metrics(desk) if name.startswith("ted_index_keys")]


def test_buckets_are_cumulative_and_a_bound_is_within_its_bucket() -> None:
    histogram = Histogram("h", "Told.", (1, 2.5), ("a",))
    for value in (0.5, 1, 2, 99):
        histogram.observe(value, "x")

    assert list(histogram.lines())[2:] == [
        'h_bucket{a="x",le="1"} 2',
        'h_bucket{a="x",le="2.5"} 3',
        'h_bucket{a="x",le="+Inf"} 4',
        'h_sum{a="x"} 102.5',
        'h_count{a="x"} 4',
    ]


@pytest.mark.parametrize(("label", "shown"), [('a"b', r"a\"b"), ("a\\b", r"a\\b"), ("a\nb", r"a\nb")])
def test_a_label_cannot_leave_its_quotes(label: str, shown: str) -> None:
    counter = Counter("c", "Told.", ("a",))
    counter.add(label, by=0.25)

    (*_, line) = counter.lines()
    assert line == f'c{{a="{shown}"}} 0.25'
    assert LINE.fullmatch(line)
