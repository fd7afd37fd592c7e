"""A distillation that stopped goes on and repeats nothing: after a budget, an interruption, an error."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select, update

from ted.bank.job_tables import CallRow, ItemRow
from ted.bank.job_values import Job
from ted.chat import ChatRequest
from ted.errors import BadSetting, Conflict, ModelTimeout
from ted.jobs.distillation import DistillationRunner, Options, Progress
from ted.sample import Numeric, Question, Sample
from ted.settings import Budget
from tests.scripted import Bench, Call, Said, add, attempt, critique, result, speaking
from tests.stores import added

SAMPLES = [
    Sample(f"s{n}", Question(f"How many {thing} are in the cellar?"), f"{10 + n}", Numeric())
    for n, thing in enumerate(("apples", "bottles", "candles", "drawers", "easels", "flags"))
]
OPTIONS = Options(trajectories=2, batch_size=2)


@pytest.fixture
def teaching(bench: Bench) -> Bench:
    """Every sample gives one experience, in four calls: two attempts, a solution, a critique."""
    bench.student = {"student": attempt("no idea")}
    bench.teacher = {
        "solve": lambda call: attempt(SAMPLES[int(call.sample[1:])].answer),
        "critique": lambda call: critique(
            add(SAMPLES[int(call.sample[1:])].question.text.removesuffix("?"), "Count them one by one.")
        ),
    }
    return bench


def calls_made(bench: Bench) -> list[ChatRequest]:
    return [*bench.small.requests, *bench.large.requests]


def texts(bench: Bench) -> list[tuple[str, int]]:
    return [(e.when_to_use, len(e.keys)) for e in bench.bank.experiences()]


async def test_an_exhausted_budget_pauses_the_job_with_its_reason(teaching: Bench) -> None:
    job = await teaching.distil(*SAMPLES, options=OPTIONS, budget=Budget(calls=10))

    assert (job.status, job.result) == ("paused", None)
    assert job.reason == "budget of 10 calls reached: the next call may bring it to 11"
    assert len(calls_made(teaching)) == 10


async def test_a_raised_budget_goes_on_and_repeats_nothing(teaching: Bench) -> None:
    seen: list[str] = []
    for calls in (3, 10, 11, 24):
        job = await teaching.distil(*SAMPLES, options=OPTIONS, budget=Budget(calls=calls))
        seen += [request.call_key for request in calls_made(teaching)]
        assert len(seen) == calls

    assert len(set(seen)) == 24
    assert (job.status, job.runs) == ("succeeded", 4)
    assert result(job)["items"] == {"total": 6, "completed": 6, "failed": 0, "skipped": 0, "quarantined": 0}
    assert result(job)["operations"] == {"add": 6}
    assert result(job)["spent"]["calls"] == 24
    assert teaching.bank.record.revision == 3


async def test_a_run_in_pieces_gives_the_bank_of_a_run_in_one(teaching: Bench) -> None:
    for calls in (5, 9, 17, 24):
        await teaching.distil(*SAMPLES, options=OPTIONS, budget=Budget(calls=calls))
    whole = Bench(teaching.store, teaching.store.create("whole"), teaching.student, teaching.teacher)
    await whole.distil(*SAMPLES, options=OPTIONS)

    assert texts(teaching) == texts(whole)


async def test_a_budget_in_dollars_needs_a_price(teaching: Bench) -> None:
    teaching.usd_per_token = None

    with pytest.raises(BadSetting, match="price of 'small' is not known"):
        await teaching.distil(*SAMPLES, budget=Budget(usd=1.0))

    assert calls_made(teaching) == []


async def test_a_budget_in_dollars_is_kept(teaching: Bench) -> None:
    teaching.usd_per_token = 0.001
    limit = 3.0

    job = await teaching.distil(*SAMPLES, options=OPTIONS, budget=Budget(usd=limit))

    assert job.status == "paused"
    assert (job.reason or "").startswith("budget of $3.0000 reached")
    assert 0 < teaching.store.calls.spent(job.id).cost_usd <= limit


async def test_a_job_that_ended_is_found_again_and_a_new_run_is_another(teaching: Bench) -> None:
    runner = DistillationRunner(
        teaching.bank, jobs=teaching.store.jobs, material=teaching.store.material, calls=teaching.store.calls
    )
    done = await teaching.distil(*SAMPLES, options=OPTIONS)

    def found(options: Options, *, new_run: bool, student: str = "small") -> Job:
        return runner.find_or_create(
            SAMPLES, options, student=student, teacher="large", budget=Budget(), new_run=new_run
        )

    assert found(OPTIONS, new_run=False).id == done.id
    new = found(OPTIONS, new_run=True)
    assert (new.id != done.id, new.status) == (True, "queued")
    for other in (Options(trajectories=3, batch_size=2), Options(trajectories=2, batch_size=3)):
        with pytest.raises(Conflict, match=f"unfinished distillation {new.id}"):
            found(other, new_run=False)
    with pytest.raises(Conflict, match="let it finish or cancel it first"):
        found(OPTIONS, new_run=False, student="another")


async def test_progress_is_told_after_each_sample(teaching: Bench) -> None:
    told: list[Progress] = []
    store = teaching.store
    runner = DistillationRunner(teaching.bank, jobs=store.jobs, material=store.material, calls=store.calls)
    job = runner.find_or_create(
        SAMPLES[:3], OPTIONS, student="small", teacher="large", budget=Budget(), new_run=False
    )

    await runner.run(
        job,
        student=speaking(teaching.student, name="small"),
        teacher=speaking(teaching.teacher, name="large"),
        progress=told.append,
    )

    assert [p.counts.completed for p in told][-1] == 3
    assert told[-1].counts.total == 3
    assert told[-1].spent.calls == 12


async def test_an_interrupted_job_is_paused_and_keeps_what_was_answered(teaching: Bench) -> None:
    reached = asyncio.Event()

    async def never() -> str:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody wakes it")

    def solve(call: Call) -> Said:
        return never() if call.sample == "s2" else attempt(SAMPLES[int(call.sample[1:])].answer)

    patient = dict(teaching.teacher)
    teaching.teacher["solve"] = solve
    running = asyncio.create_task(teaching.distil(*SAMPLES, options=OPTIONS))
    async with asyncio.timeout(20):
        await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    answered = {r.call_key for r in calls_made(teaching) if ":s2:solve:" not in r.call_key}
    (job,) = teaching.store.jobs.all()
    assert (job.status, job.reason) == ("paused", "interrupted")

    teaching.teacher = patient
    done = await teaching.distil(*SAMPLES, options=OPTIONS)

    assert done.status == "succeeded"
    again = {r.call_key for r in calls_made(teaching)}
    assert {key for key in again & answered if ":s3:" not in key} == set()  # s3 may have been cut off as well
    assert len(teaching.bank.experiences()) == 6


async def test_what_a_sample_retrieved_is_frozen_for_the_runs_that_follow(teaching: Bench) -> None:
    """Else the prompts of a resumed run were other prompts under answered keys."""
    job = await teaching.distil(*SAMPLES, options=OPTIONS, budget=Budget(calls=6))
    assert job.status == "paused"
    with teaching.store.database.reading() as session:
        before = {row.sample_id: row.retrieval for row in session.scalars(select(ItemRow))}
    assert set(before) == {"s0", "s1"}

    await added(teaching.bank, "How many apples or bottles are in the cellar", "By hand.")
    done = await teaching.distil(*SAMPLES, options=OPTIONS)

    assert done.status == "succeeded"
    with teaching.store.database.reading() as session:
        after = {row.sample_id: row.retrieval for row in session.scalars(select(ItemRow))}
    assert {i: after[i] for i in before} == before
    assert (after["s2"] or {})["revision"] > (before["s0"] or {})["revision"]


async def test_an_error_of_ours_pauses_the_job_and_is_raised(teaching: Bench) -> None:
    def broken(call: Call) -> str:
        raise ZeroDivisionError("a bug")

    sound, teaching.teacher = teaching.teacher, {"solve": broken}

    with pytest.raises(ZeroDivisionError):
        await teaching.distil(*SAMPLES, options=OPTIONS)

    (job,) = teaching.store.jobs.all()
    assert (job.status, job.reason) == ("paused", "stopped by ZeroDivisionError: a bug")
    teaching.teacher = sound
    assert (await teaching.distil(*SAMPLES, options=OPTIONS)).status == "succeeded"


async def test_a_job_begun_with_other_prompts_fails_and_a_new_run_may_begin(teaching: Bench) -> None:
    """As after an update of TED between two runs."""
    await teaching.distil(*SAMPLES, options=OPTIONS, budget=Budget(calls=6))
    with teaching.store.database.writing() as session:
        session.execute(update(CallRow).values(fingerprint="of another prompt"))

    job = await teaching.distil(*SAMPLES, options=OPTIONS)
    new = await teaching.distil(*SAMPLES, options=OPTIONS, new_run=True)

    assert job.status == "failed"
    assert "begin it anew (`--new-run`)" in (job.error or "")
    assert (new.status, new.id != job.id) == ("succeeded", True)


async def test_a_failed_item_is_tried_again_until_its_batch_is_settled(teaching: Bench) -> None:
    """After that its changes would not be applied any more: a batch is applied once."""
    down = {"s0", "s2"}

    def sometimes(call: Call) -> str:
        if call.sample in down:
            raise ModelTimeout("down")
        return attempt("no idea")

    teaching.student = {"student": sometimes}
    paused = await teaching.distil(*SAMPLES[:4], options=OPTIONS, budget=Budget(calls=7))
    assert paused.status == "paused"
    assert teaching.bank.record.revision == 1

    down.clear()
    job = await teaching.distil(*SAMPLES[:4], options=OPTIONS)

    assert result(job)["failures"] == [{"epoch": 0, "sample": "s0", "error": "down"}]
    assert result(job)["items"] == {"total": 4, "completed": 3, "failed": 1, "skipped": 0, "quarantined": 0}
    assert len(teaching.bank.experiences()) == result(job)["operations"]["add"] == 3
    assert not any(":s0:" in request.call_key for request in calls_made(teaching))


async def test_every_call_is_in_the_ledger_once_under_its_role(teaching: Bench) -> None:
    job = await teaching.distil(*SAMPLES, options=OPTIONS)

    with teaching.store.database.reading() as session:
        query = select(CallRow.role, func.count()).where(CallRow.owner == job.id).group_by(CallRow.role)
        assert dict(session.execute(query).tuples().all()) == {"student": 12, "solve": 6, "critique": 6}
