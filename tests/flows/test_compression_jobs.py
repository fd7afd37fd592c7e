"""Compressions as jobs and within distillations: stopped anywhere they go on, and repeat nothing."""

from __future__ import annotations

import asyncio
import random

import pytest

from index.embedders.sentence import PACKAGED, SentenceEmbedder
from ted.bank.bank import Bank
from ted.bank.job_values import Job
from ted.chat import ChatRequest, ScriptedChat
from ted.errors import BadSetting, Conflict, ModelTimeout
from ted.jobs.compression import CompressionRunner
from ted.jobs.distillation import Options
from ted.jobs.sole_writer import sole_writer
from ted.sample import Numeric, Question, Sample
from ted.settings import Budget
from tests.compressing import DISTINCT, bank_of, bounded, first_of, lost, over, plant, teacher, texts_in
from tests.planted import GROUPS
from tests.scripted import Bench, Call, add, attempt, critique, result, wording
from tests.stores import Store

SOME = [text for group in GROUPS[:6] for text in group]


@pytest.fixture(scope="module")
def minilm() -> SentenceEmbedder:
    return SentenceEmbedder(PACKAGED)


@pytest.fixture
async def desk(store: Store, minilm: SentenceEmbedder) -> Bank:
    """A bank with six groups of three near-duplicates."""
    bank = bank_of(store, minilm)
    await plant(bank, SOME)
    return bank


async def run(store: Store, bank: Bank, model: ScriptedChat, *, budget: Budget | None = None) -> Job:
    """The same compression, begun or resumed."""
    runner = CompressionRunner(bank, jobs=store.jobs, calls=store.calls)
    return await runner.run(runner.find_or_create(teacher=model.name, budget=budget), teacher=model)


def texts(bank: Bank) -> list[tuple[str, str]]:
    return sorted((e.when_to_use, e.content) for e in bank.experiences())


async def test_a_compression_ends_with_a_report(store: Store, desk: Bank) -> None:
    job = await run(store, desk, teacher(first_of))

    report = result(job)
    assert (job.kind, job.status) == ("compression", "succeeded")
    assert (report["operations"], report["experiences"], report["teacher_calls"]) == ({"merge": 6}, 6, 6)
    assert report["spent"]["calls"] == 6
    assert [len(ids) for ids in report["plan"]["merge"]] == [3] * 6


async def test_what_has_ended_is_compressed_again_by_a_new_job(store: Store, desk: Bank) -> None:
    first, second = await run(store, desk, teacher(DISTINCT)), await run(store, desk, teacher("never asked"))

    assert first.id != second.id
    assert result(second)["teacher_calls"] == 0
    assert {s["reason"] for s in result(second)["skipped"]} == {"refused"}


async def test_an_exhausted_budget_pauses_with_nothing_half_written_and_a_raised_one_goes_on(
    store: Store, desk: Bank
) -> None:
    before, at = desk.experiences(status=None), desk.record.revision
    model = teacher(first_of)

    paused = await run(store, desk, model, budget=Budget(calls=4))

    assert paused.status == "paused"
    assert "budget of 4 calls reached" in (paused.reason or "")
    assert (desk.experiences(status=None), desk.record.revision) == (before, at)
    ended = await run(store, desk, model, budget=Budget(calls=6))
    assert (ended.id, ended.status, ended.runs) == (paused.id, "succeeded", 2)
    assert len({request.call_key for request in model.requests}) == len(model.requests) == 6
    assert result(ended)["operations"] == {"merge": 6}


async def test_a_budget_in_dollars_needs_a_price(store: Store, desk: Bank) -> None:
    unpriced = ScriptedChat(first_of, name="large", usd_per_token=None)

    with pytest.raises(BadSetting, match="price of 'large' is not known"):
        await run(store, desk, unpriced, budget=Budget(usd=1.0))


async def test_what_was_interrupted_between_reply_and_change_goes_on_without_a_repeated_call(
    store: Store, desk: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*args: object, **kwargs: object) -> None:
        raise asyncio.CancelledError

    model = teacher(first_of)
    with monkeypatch.context() as patched:
        patched.setattr(desk, "apply", dies)
        with pytest.raises(asyncio.CancelledError):
            await run(store, desk, model)
    assert len(model.requests) == 6
    assert len(desk.experiences()) == 18
    silent = teacher("never asked")

    job = await run(store, desk, silent)

    assert silent.requests == []
    assert (job.status, job.runs) == ("succeeded", 2)
    assert texts(desk) == sorted(group[0] for group in GROUPS[:6])
    assert lost(desk) == []


async def test_what_was_interrupted_between_its_two_changes_holds_the_bound_and_asks_nothing(
    store: Store, desk: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounded(desk, experiences=2)

    def dies(*args: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr("ted.compression.flow.overflow", dies)
        with pytest.raises(asyncio.CancelledError):
            await run(store, desk, teacher(first_of))
    assert len(desk.experiences()) == 6
    silent = teacher("never asked")

    job = await run(store, desk, silent)

    assert silent.requests == []
    assert result(job)["operations"] == {"merge": 6, "remove": 4}
    assert not over(desk)
    assert lost(desk) == []


async def test_the_same_compression_gives_the_same_bank_and_calls_whatever_the_latencies(
    store: Store, minilm: SentenceEmbedder
) -> None:
    seen = []
    for seed in range(3):
        bank, chance = bank_of(store, minilm, f"desk {seed}"), random.Random(seed)
        await plant(bank, SOME)

        async def script(request: ChatRequest, chance: random.Random = chance) -> str:
            await asyncio.sleep(chance.random() / 50)
            kept = texts_in(request)
            return DISTINCT if request.seed % 3 == 0 else first_of(request) if kept else ""

        model = ScriptedChat(script, name="large")
        job = await run(store, bank, model)
        keys = sorted(request.call_key.removeprefix(job.id) for request in model.requests)
        seen.append((texts(bank), keys, result(job)["operations"]))

    assert seen[0] == seen[1] == seen[2]


async def test_a_teacher_that_cannot_be_asked_fails_the_job_but_not_the_bound(
    store: Store, desk: Bank
) -> None:
    def fails(request: ChatRequest) -> str:
        raise ModelTimeout("no answer within 5 s")

    bounded(desk, experiences=10)
    job = await run(store, desk, teacher(fails))

    assert (job.status, job.error) == ("failed", "the teacher could not be asked: no answer within 5 s")
    assert not over(desk)
    assert lost(desk) == []
    again = teacher(DISTINCT)
    await run(store, desk, again)
    assert again.requests


async def test_a_bank_that_is_being_written_is_refused(store: Store, desk: Bank) -> None:
    with sole_writer(desk), pytest.raises(Conflict, match="is being written"):
        await run(store, desk, teacher(first_of))


# -- within a distillation

THINGS = ("apples", "bottles", "candles", "drawers", "easels", "flags", "gloves", "hammers")
SAMPLES = [
    Sample(f"s{n}", Question(f"How many {thing} are in the cellar?"), f"{10 + n}", Numeric())
    for n, thing in enumerate(THINGS)
]


def desk_bench(store: Store, bank: Bank) -> Bench:
    """Every sample gives one experience, whatever the guards say of its wording."""

    def lesson(call: Call) -> tuple[str, str]:
        sample = SAMPLES[int(call.sample[1:])]
        return sample.question.text.removesuffix("?"), f"{call.sample} wants patience."

    bench = Bench(store, bank)
    bench.student = {"student": attempt("no idea")}
    bench.teacher = {
        "solve": lambda call: attempt(SAMPLES[int(call.sample[1:])].answer),
        "critique": lambda call: critique(add(*lesson(call))),
        "mend": lambda call: wording(*lesson(call)),
        "sharpen": lambda call: wording(*lesson(call)),
        "merge": lambda call: first_of(call.request),
    }
    return bench


async def test_a_distillation_compresses_after_every_so_many_batches(store: Store, desk: Bank) -> None:
    bench = desk_bench(store, desk)

    job = await bench.distil(*SAMPLES, options=Options(trajectories=2, batch_size=2, compress_every=3))

    (told,) = result(job)["compressions"]
    assert (told["epoch"], told["batch"], told["operations"]) == (0, 2, {"merge": 6})
    assert len(desk.experiences()) == 6 + 8


async def test_a_distillation_compresses_where_its_bank_is_over_its_bound(store: Store, bank: Bank) -> None:
    bounded(bank, experiences=5)
    bench = desk_bench(store, bank)

    job = await bench.distil(*SAMPLES, options=Options(trajectories=2, batch_size=2, compress_every=0))

    assert [told["batch"] for told in result(job)["compressions"]] == [2, 3]
    assert [told["operations"] for told in result(job)["compressions"]] == [{"remove": 1}, {"remove": 2}]
    assert len(bank.experiences()) == 5
    assert lost(bank) == []


async def test_a_distillation_within_its_bound_never_compresses_where_it_is_told_not_to(
    store: Store, desk: Bank
) -> None:
    bench = desk_bench(store, desk)

    job = await bench.distil(*SAMPLES, options=Options(trajectories=2, batch_size=2, compress_every=0))

    assert result(job)["compressions"] == []


async def test_a_distillation_in_pieces_compresses_as_one_in_one_piece(
    store: Store, minilm: SentenceEmbedder
) -> None:
    options, reports, banks = Options(trajectories=2, batch_size=2, compress_every=1), [], []
    for name, budgets in (("whole", [200]), ("pieces", [9, 10, 12, 17, 20, 21, 33, 36, 200])):
        bank = bank_of(store, minilm, name)
        await plant(bank, SOME)
        bounded(bank, experiences=8)
        bench = desk_bench(store, bank)
        seen: list[str] = []
        for calls in budgets:
            job = await bench.distil(*SAMPLES, options=options, budget=Budget(calls=calls))
            seen += [r.call_key for r in (*bench.small.requests, *bench.large.requests)]
        assert len(set(seen)) == len(seen)
        reports.append([told["operations"] for told in result(job)["compressions"]])
        banks.append((texts(bank), bank.record.revision, len(seen)))

    assert reports[0] == reports[1]
    assert banks[0] == banks[1]
    assert reports[0][0] == {"merge": 6}


async def test_how_often_to_compress_decides_which_distillation_it_is(store: Store, bank: Bank) -> None:
    bench = desk_bench(store, bank)
    first = await bench.distil(SAMPLES[0], options=Options(trajectories=2, compress_every=4))

    second = await bench.distil(SAMPLES[0], options=Options(trajectories=2, compress_every=2))

    assert first.id != second.id
