"""With a deterministic model the same run gives the same bank, whatever the concurrency and the latencies."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ted.bank.job_tables import CallRow
from ted.bank.tables import ExperienceRow, HistoryRow, KeyRow, LineageRow, RevisionRow
from ted.chat import ChatRequest
from ted.gate.verdict import GatePolicy
from ted.jobs.distillation import Options
from ted.sample import Numeric, Question, Sample
from ted.settings import RetrievalSettings
from tests.blanks import Blank
from tests.scripted import Bench, Call, add, attempt, critique, merge, remove, result, rewrite, wording
from tests.stores import Store

TOPICS = ("boats on the canal", "lamps in the hall", "chairs for the concert", "loaves from the oven")
SAMPLES = [
    Sample(f"s{n}", Question(f"How many {TOPICS[n % 4]} are there in case {n}?"), f"{100 + n}", Numeric())
    for n in range(14)
]


def drawn(call: Call) -> int:
    """What a deterministic model draws: by the seed and the experiences it sees, whatever the words of the prompt."""
    seen = re.findall(r"When: (.*?) Then: (.*)", call.user)
    return int(hashlib.sha256(f"{call.request.seed}:{seen}".encode()).hexdigest(), 16)


def student(call: Call) -> str:
    right = SAMPLES[int(call.sample[1:])].answer
    return attempt(right if drawn(call) % 3 else "none", f"step {drawn(call) % 7}", used=["E1"])


def teacher(call: Call) -> str:
    topic = TOPICS[int(call.sample[1:]) % 4]
    labels = re.findall(r"^(E\d+)\. ", call.user.partition("Experiences that were shown:")[2], re.MULTILINE)
    chance = drawn(call)
    advice = (f"{topic} are counted", f"Count the {topic} row by row, method {'abcdef'[chance % 6]}.")
    match chance // 6 % 4:
        case 0 if labels:
            return critique(rewrite(labels[0], *advice), **{labels[0]: "harmful"})
        case 1 if len(labels) > 1:
            return critique(merge(labels[:2], *advice))
        case 2 if labels:
            return critique(remove(labels[-1]), add(*advice))
        case _:
            return critique(add(*advice))


class Weather:
    """Random latencies, and at most so many calls at once."""

    def __init__(self, seed: int, at_once: int) -> None:
        self._chance, self._gate = random.Random(seed), asyncio.Semaphore(at_once)

    async def __call__(self, text: str) -> str:
        async with self._gate:
            await asyncio.sleep(self._chance.choice([0, 0, 0.001, 0.004, 0.012]))
        return text


async def run(
    url: str, *, seed: int, at_once: int, gate: GatePolicy = "none"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The portrait of the bank and that of the calls, after a run in this weather."""
    store = Store.at(url)
    bench = Bench(store, store.create(retrieval=RetrievalSettings(gap=0.8)))  # so that several are shown
    weather = Weather(seed, at_once)
    said = lambda call: weather(student(call))  # noqa: E731
    bench.student = {"student": said, "gate": said}
    bench.teacher = {
        "solve": lambda call: weather(attempt(SAMPLES[int(call.sample[1:])].answer)),
        "critique": lambda call: weather(teacher(call)),
        "mend": lambda call: weather(
            wording(f"{TOPICS[int(call.sample[1:]) % 4]} are counted anew", f"Count, way {drawn(call) % 9}.")
        ),
        "sharpen": lambda call: weather(wording(f"How many {TOPICS[int(call.sample[1:]) % 4]}", "as before")),
    }  # fmt: skip
    job = await bench.distil(
        *SAMPLES,
        options=Options(
            trajectories=3, epochs=2, batch_size=4, gate=gate, compress_every=4 if gate == "none" else 0
        ),
    )
    report = {k: v for k, v in result(job).items() if k not in ("spent", "failures")}
    bank, calls = portrait(store), calls_of(store)
    store.database.close()
    return bank | {"report": anonymous(report, bank["ids"])}, calls


def portrait(store: Store) -> dict[str, Any]:
    """Everything in the bank, with experiences named by their order instead of their ids."""
    with store.database.reading() as session:
        rows = session.scalars(select(ExperienceRow).order_by(ExperienceRow.id)).all()
        name = {row.id: f"#{n}" for n, row in enumerate(rows)}
        keys = session.scalars(select(KeyRow).order_by(KeyRow.id)).all()
        lineage = session.scalars(select(LineageRow)).all()
        history = session.scalars(select(HistoryRow).order_by(HistoryRow.id)).all()
        revisions = session.scalars(select(RevisionRow).order_by(RevisionRow.revision)).all()
        return {
            "ids": name,
            "experiences": [
                (r.when_to_use, r.content, r.version, r.status, r.created_revision, r.updated_revision)
                for r in rows
            ],
            "keys": [(name[k.experience_id], k.kind, k.text) for k in keys],
            "lineage": sorted((name[r.child_id], name[r.parent_id]) for r in lineage),
            "history": [
                (
                    name[h.experience_id],
                    h.revision,
                    h.operation,
                    h.version,
                    h.content,
                    h.provenance.get("sample"),
                )
                for h in history
            ],
            "revisions": [
                (r.revision, r.epoch, r.batch, r.active, anonymous(r.report, name)) for r in revisions
            ],
        }


def anonymous(report: Any, name: dict[str, str]) -> str:
    return re.sub(r"exp_[0-9a-z]+", lambda m: name.get(m.group(), "?"), repr(report))


def calls_of(store: Store) -> dict[str, str]:
    """Fingerprint by key, without the job: with the key goes the seed."""
    with store.database.reading() as session:
        rows = session.scalars(select(CallRow)).all()
        return {re.sub(r"^job_[0-9a-z]+[.:]", "", row.call_key): row.fingerprint for row in rows}


@pytest.fixture
async def calm(blank: Blank, tmp_path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """One call at a time, no latency to speak of."""
    return await run(blank.copy(tmp_path, "calm.sqlite"), seed=0, at_once=1)


async def test_concurrency_and_latencies_change_nothing(
    calm: tuple[dict[str, Any], dict[str, Any]], blank: Blank, tmp_path: Path
) -> None:
    for seed, at_once in ((1, 64), (2, 5)):
        url = blank.copy(tmp_path, f"{seed}.sqlite")

        bank, calls = await run(url, seed=seed, at_once=at_once)

        assert calls == calm[1]
        for part in ("experiences", "keys", "lineage", "history", "revisions", "report"):
            assert bank[part] == calm[0][part]


@pytest.mark.parametrize("gate", ["sample", "neighbours"])
async def test_nor_do_they_with_a_gate(gate: GatePolicy, blank: Blank, tmp_path: Path) -> None:
    found = []
    for seed, at_once in ((0, 1), (1, 64)):
        url = blank.copy(tmp_path, f"gate{seed}.sqlite")
        found.append(await run(url, seed=seed, at_once=at_once, gate=gate))

    (calm, calm_calls), (wild, wild_calls) = found
    assert wild_calls == calm_calls
    for part in ("experiences", "keys", "lineage", "history", "revisions", "report"):
        assert wild[part] == calm[part]
    assert {e[3] for e in calm["experiences"]} >= {"candidate", "rejected"}
    assert "judge" in {entry[2] for entry in calm["history"]}


async def test_the_run_that_is_compared_has_something_to_get_out_of_order(
    calm: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    """Every operation, several statuses, merges with lineage, and many calls of every role."""
    bank, calls = calm

    assert {entry[2] for entry in bank["history"]} >= {"add", "rewrite", "merge", "merged", "remove"}
    assert {e[3] for e in bank["experiences"]} == {"active", "retired"}
    assert bank["lineage"] != []
    roles = Counter(key.rsplit(":", 2)[1] for key in calls)
    assert roles["student"] == 3 * 2 * len(SAMPLES)
    assert set(roles) >= {"student", "solve", "critique"}


def test_a_seed_depends_on_all_of_the_key_but_the_job() -> None:
    def seed(key: str) -> int:
        return ChatRequest(key, (), max_tokens=1).seed

    assert seed("job_1:0:s1:student:0") == seed("job_2:0:s1:student:0")
    others = ["job_1:1:s1:student:0", "job_1:0:s2:student:0", "job_1:0:s1:solve:0", "job_1:0:s1:student:1"]
    assert len({seed(key) for key in ["job_1:0:s1:student:0", *others]}) == 5
    assert all(0 <= seed(key) < 2**31 for key in others)
