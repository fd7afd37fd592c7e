"""Submitted jobs: the plain worker, and what running one by its id makes of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from index.protocols import ImageEmbedder, TextEmbedder
from ted.bank.bank import Bank
from ted.bank.caller import DEFAULT_CALLER, Caller
from ted.bank.calls import CallStore
from ted.bank.database import Database
from ted.bank.job_values import Job, JobKind
from ted.bank.jobs import JobStore
from ted.bank.material import MaterialStore
from ted.chat import ChatModel, ChatRequest, ScriptedChat
from ted.draining import Drain
from ted.errors import BadSetting, Conflict, NotFound
from ted.jobs.distillation import Options
from ted.jobs.run import run_job
from ted.jobs.sole_writer import sole_writer
from ted.jobs.submit import submit_distillation
from ted.jobs.worker import InProcessWorker, JobWorker
from ted.sample import Question, Sample
from ted.settings import Budget
from tests.stores import Store

SAMPLES = [Sample(f"s{n}", Question(f"Which queue takes thing {n}?"), f"QX-{n}") for n in range(3)]
OPTIONS = Options("compact", trajectories=1)


def eventually(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def job_of(store: Store, bank: Bank, kind: JobKind = "evaluation") -> Job:
    """A queued job; of evaluations a bank may have several."""
    return store.jobs.create(bank.id, kind, request={}, digest="", budget={})


@contextmanager
def working(run: Callable[[str], Awaitable[None]], jobs: JobStore) -> Iterator[InProcessWorker]:
    worker = InProcessWorker(run, jobs=jobs)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


@dataclass
class Log:
    """What was begun and ended, in order; each run takes a moment."""

    events: list[tuple[str, str]] = field(default_factory=list)
    pause: float = 0.05

    async def run(self, job_id: str) -> None:
        self.events.append(("begin", job_id))
        try:
            await asyncio.sleep(self.pause)
        finally:
            self.events.append(("end", job_id))

    def ended(self) -> int:
        return sum(event == "end" for event, _ in self.events)


def test_the_plain_worker_is_a_job_worker(store: Store) -> None:
    worker: JobWorker = InProcessWorker(Log().run, jobs=store.jobs)

    with pytest.raises(RuntimeError, match="not started"):
        worker.submit("job_1")
    worker.stop()


def test_jobs_of_one_bank_are_run_one_after_the_other(store: Store) -> None:
    bank, log = store.create(), Log()
    with working(log.run, store.jobs) as worker:
        ids = [job_of(store, bank).id for _ in range(3)]
        for job_id in ids:
            worker.submit(job_id)
        eventually(lambda: log.ended() == 3)

    assert log.events == [(event, job_id) for job_id in ids for event in ("begin", "end")]


def test_jobs_of_different_banks_are_run_together(store: Store) -> None:
    banks, log = [store.create("a"), store.create("b")], Log(pause=0.3)
    with working(log.run, store.jobs) as worker:
        for bank in banks:
            worker.submit(job_of(store, bank).id)
        eventually(lambda: log.ended() == 2)

    assert [event for event, _ in log.events] == ["begin", "begin", "end", "end"]


def test_at_its_start_it_takes_up_what_is_queued_or_was_running(store: Store) -> None:
    bank, log = store.create(), Log()
    queued, running, paused, ended = (job_of(store, bank).id for _ in range(4))
    store.jobs.begin(running)
    store.jobs.begin(paused)
    store.jobs.pause(paused, "budget")
    store.jobs.finish(ended, "succeeded", result={})

    with working(log.run, store.jobs):
        eventually(lambda: log.ended() == 2)

    assert {job_id for _, job_id in log.events} == {queued, running}


def test_an_error_of_one_job_does_not_end_the_worker(store: Store) -> None:
    bank, log = store.create(), Log()

    async def run(job_id: str) -> None:
        if job_id == bad.id:
            raise ZeroDivisionError
        await log.run(job_id)

    with working(run, store.jobs) as worker:
        bad, good = job_of(store, bank), job_of(store, bank)
        with pytest.raises(NotFound):
            worker.submit("job_none")
        worker.submit(bad.id)
        worker.submit(good.id)
        eventually(lambda: log.ended() == 1)

    assert log.events[0] == ("begin", good.id)


def test_stopping_cancels_what_runs_and_waits_until_it_has_stopped(store: Store) -> None:
    bank, log, before = store.create(), Log(pause=600), set(threading.enumerate())
    with working(log.run, store.jobs) as worker:
        worker.submit(job_of(store, bank).id)
        eventually(lambda: len(log.events) == 1)

    assert [event for event, _ in log.events] == ["begin", "end"]
    with pytest.raises(RuntimeError, match="not started"):
        worker.submit("job_1")
    assert not [t for t in threading.enumerate() if t.name == "ted-jobs" and t not in before]


@dataclass
class Desk:
    """An Installation over a test's store, with scripted models."""

    store: Store
    small: ChatModel
    large: ChatModel
    drain: Drain = field(default_factory=Drain)
    caller: Caller = DEFAULT_CALLER

    @property
    def database(self) -> Database:
        return self.store.database

    @property
    def text_embedder(self) -> TextEmbedder:
        return self.store.text_embedder

    @property
    def image_embedder(self) -> ImageEmbedder | None:
        return self.store.image_embedder

    @property
    def jobs(self) -> JobStore:
        return self.store.jobs

    @property
    def material(self) -> MaterialStore:
        return self.store.material

    @property
    def calls(self) -> CallStore:
        return self.store.calls

    def bank(self, name: str) -> Bank:
        return self.store.open(name)

    def student(self, name: str | None = None) -> ChatModel:
        return self.small

    def teacher(self, name: str | None = None) -> ChatModel:
        return self.large


def teaching(request: ChatRequest) -> str:
    if request.schema:
        return '{"when_to_use": "A thing needs a queue.", "content": "Look its number up."}'
    return "QX-0"


def desk_at(store: Store, student: Any = lambda request: "QX-9", **models: Any) -> Desk:
    store.create()
    return Desk(store, ScriptedChat(student, **models), ScriptedChat(teaching))


def submitted(desk: Desk, budget: Budget | None = None) -> Job:
    return submit_distillation(desk, desk.bank("desk"), SAMPLES, OPTIONS, budget=budget or Budget())


async def test_a_submitted_distillation_is_run_by_its_id_once(store: Store) -> None:
    desk = desk_at(store)
    job = submitted(desk)

    await run_job(desk, job.id)
    await run_job(desk, job.id)

    ended = desk.jobs.get(job.id)
    assert (job.status, ended.status, ended.runs) == ("queued", "succeeded", 1)


async def test_cancelled_it_waits_in_the_queue_and_then_goes_on(store: Store) -> None:
    reached, held = asyncio.Event(), asyncio.Event()

    async def student(request: ChatRequest) -> str:
        if "thing 2" in request.messages[-1].text:
            reached.set()
            await held.wait()
        return "QX-9"

    desk = desk_at(store, student)
    job = submitted(desk, Budget(calls=100))
    running = asyncio.create_task(run_job(desk, job.id))
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    waiting = desk.jobs.get(job.id)
    held.set()

    await run_job(desk, job.id)

    assert (waiting.status, waiting.reason, waiting.budget["calls"]) == ("queued", None, 100)
    assert desk.jobs.get(job.id).status == "succeeded"
    assert isinstance(desk.small, ScriptedChat)
    asked = [request.call_key for request in desk.small.requests]
    assert len(asked) - len(set(asked)) <= 1, "only what was in flight is asked again"


async def test_while_somebody_else_writes_the_bank_the_job_waits(store: Store) -> None:
    desk = desk_at(store)
    job = submitted(desk)

    with sole_writer(desk.bank("desk")):
        running = asyncio.create_task(run_job(desk, job.id))
        await asyncio.wait({running}, timeout=0.5)
        waiting = desk.jobs.get(job.id).status
    await running

    assert (waiting, desk.jobs.get(job.id).status) == ("queued", "succeeded")


async def test_a_job_that_waits_is_not_touched_when_its_worker_stops(store: Store) -> None:
    """What holds the bank may be a command that runs this very job."""
    desk = desk_at(store)
    job = submitted(desk)
    store.jobs.begin(job.id)

    with sole_writer(desk.bank("desk")):
        running = asyncio.create_task(run_job(desk, job.id))
        await asyncio.wait({running}, timeout=0.5)
        running.cancel()
        await asyncio.wait({running})

    assert desk.jobs.get(job.id).status == "running"


async def test_a_job_of_another_version_of_the_flow_fails_and_says_so(store: Store) -> None:
    desk = desk_at(store)
    request = OPTIONS.to_json() | {"student": "a", "teacher": "b", "flow": 0}
    job = store.jobs.create(
        store.banks.find("desk"), "distillation", request=request, digest="", budget={}, samples=SAMPLES
    )

    await run_job(desk, job.id)

    ended = desk.jobs.get(job.id)
    assert ended.status == "failed"
    assert "begin it anew" in str(ended.error)


async def test_a_job_whose_models_cannot_be_had_fails_and_says_why(store: Store) -> None:
    class Without(Desk):
        def student(self, name: str | None = None) -> ChatModel:
            if name is not None:
                raise BadSetting("there is no such model any more")
            return self.small

    desk = desk_at(store)
    desk = Without(desk.store, desk.small, desk.large)
    job = submitted(desk)

    await run_job(desk, job.id)

    assert desk.jobs.get(job.id).error == "there is no such model any more"


async def test_a_job_that_a_defect_stops_fails_and_names_it(store: Store) -> None:
    def student(request: ChatRequest) -> str:
        raise ZeroDivisionError("of the student")

    desk = desk_at(store, student)
    job = submitted(desk)

    await run_job(desk, job.id)

    assert desk.jobs.get(job.id).status == "failed"
    assert desk.jobs.get(job.id).error == "ZeroDivisionError: of the student"


async def test_a_job_that_another_version_of_its_flow_began_fails_and_says_so(store: Store) -> None:
    desk = desk_at(store)
    job = job_of(store, desk.bank("desk"))

    await run_job(desk, job.id)

    ended = desk.jobs.get(job.id)
    assert ended.status == "failed"
    assert "begin it anew" in (ended.error or "")


async def test_a_job_at_its_budget_goes_on_when_submitted_again_and_no_other_may(store: Store) -> None:
    desk = desk_at(store)
    first = submitted(desk, Budget(calls=2))
    await run_job(desk, first.id)
    assert desk.jobs.get(first.id).status == "paused"

    with pytest.raises(Conflict, match="unfinished distillation"):
        submit_distillation(desk, desk.bank("desk"), SAMPLES[:1], OPTIONS, budget=Budget())
    again = submitted(desk)
    await run_job(desk, again.id)

    assert again.id == first.id
    assert desk.jobs.get(first.id).status == "succeeded"


async def test_a_budget_in_dollars_without_a_price_is_refused_before_there_is_a_job(store: Store) -> None:
    desk = desk_at(store, usd_per_token=None)

    with pytest.raises(BadSetting, match="price"):
        submitted(desk, Budget(usd=1.0))

    assert desk.jobs.all() == []
