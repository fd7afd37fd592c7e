"""A compression checked with validation questions: what makes answers worse is undone, once, and told; its items."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from ted.bank.bank import Bank
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.changes import Change, Edit
from ted.bank.job_control import JobControl
from ted.bank.job_events import EventStore
from ted.bank.job_listings import Item, JobListings
from ted.bank.job_values import Job
from ted.bank.pages import Page
from ted.bank.tables import RevisionRow
from ted.chat import ChatRequest, ScriptedChat
from ted.errors import BadInput, BadSetting, ModelTimeout
from ted.jobs.compression import CompressionRunner, Validation
from ted.jobs.distillation import Options
from ted.sample import Question, Sample
from ted.settings import Budget
from tests.compressing import DISTINCT, bounded, merging, over, plant, teacher, texts_in
from tests.scripted import Bench, add, attempt, critique, result
from tests.stores import Store, added, apply

pytestmark = pytest.mark.each_store

TWINS = [
    ("A badge is lost on floor one.", "Ask desk QX-417 for a new one."),
    ("A badge is lost on floor one!", "Ask desk QX-417 for a new one, please."),
]
OTHER = ("A refund of an invoice is wanted.", "Write to RE-9.")
QUESTIONS = [
    Sample("v1", Question("My badge is lost on floor one: whom do I ask?"), "QX-417"),
    Sample("v2", Question("How is a refund of an invoice wanted?"), "RE-9"),
]


def reading(request: ChatRequest) -> str:
    """A student that answers with the code in its prompt, if the text that has it is not a bad one."""
    text = request.messages[1].text
    if "bad" in text.casefold().replace("badge", ""):
        return attempt("nothing")
    return attempt(next((code for code in ("QX-417", "RE-9") if code in text), "nothing"))


def student(script: Callable[[ChatRequest], str | Awaitable[str]] = reading) -> ScriptedChat:
    return ScriptedChat(script, name="small")


def worse(request: ChatRequest) -> str:
    """Merges each cluster into a text that states the code and misleads."""
    when, content = texts_in(request)[0]
    return merging((when, f"{content} Bad."))


def better(request: ChatRequest) -> str:
    return merging(texts_in(request)[0])


@pytest.fixture
async def desk(bank: Bank) -> Bank:
    await plant(bank, [*TWINS, OTHER])
    return bank


async def checked(
    store: Store,
    bank: Bank,
    model: ScriptedChat,
    *,
    small: ScriptedChat | None = None,
    samples: list[Sample] | None = None,
    tolerance: float = 0.0,
    budget: Budget | None = None,
) -> Job:
    """The same compression with its check, begun or resumed."""
    runner = CompressionRunner(bank, jobs=store.jobs, calls=store.calls)
    validation = Validation(tuple(samples or QUESTIONS), "small", tolerance=tolerance)
    job = runner.find_or_create(teacher=model.name, validation=validation, budget=budget)
    return await runner.run(job, teacher=model, student=small or student())


def texts(bank: Bank) -> list[tuple[str, str]]:
    return sorted((e.when_to_use, e.content) for e in bank.experiences())


def items(store: Store, job: Job) -> dict[str, Item]:
    found = JobListings(store.database, DEFAULT_CALLER).items(job.id, Page(100))
    return {item.id: item for item in found.data}


def events(store: Store, job: Job) -> list[str]:
    return [e.event for e in EventStore(store.database, DEFAULT_CALLER).events(job.id, Page(1000)).data]


async def test_a_compression_that_keeps_answers_right_stays(store: Store, desk: Bank) -> None:
    small = student()

    job = await checked(store, desk, teacher(better), small=small)

    check = result(job)["check"]
    assert (check["samples"], check["rolled_back"]) == (2, False)
    assert check["before"] == check["after"]
    assert len(desk.experiences()) == 2
    assert len(small.requests) == 2 * check["changed"]
    assert events(store, job).count("job.checked") == 1


async def test_a_compression_that_makes_answers_worse_is_undone_by_a_new_revision_and_told(
    store: Store, desk: Bank
) -> None:
    before, ids = texts(desk), {e.id for e in desk.experiences()}

    job = await checked(store, desk, teacher(worse))

    report, check = result(job), result(job)["check"]
    assert (check["rolled_back"], check["regressions"], check["gains"]) == (True, 1, 0)
    assert (check["before"], check["after"], check["kept"]) == (1, 0, [])
    assert texts(desk) == before
    assert {e.id for e in desk.experiences()} == ids
    assert report["revision"] == desk.record.revision
    assert report["experiences"] == 3
    (merged,) = [e for e in desk.experiences(status=None) if e.id not in ids]
    assert merged.status == "retired"
    assert events(store, job).count("job.checked") == 1


async def test_what_was_undone_is_not_asked_again(store: Store, desk: Bank) -> None:
    await checked(store, desk, teacher(worse))

    job = await checked(store, desk, teacher("never asked"))

    assert result(job)["teacher_calls"] == 0
    assert [s["reason"] for s in result(job)["skipped"]] == ["refused"]
    assert result(job)["check"]["changed"] == 0


async def test_within_the_tolerance_it_stays(store: Store, desk: Bank) -> None:
    job = await checked(store, desk, teacher(worse), tolerance=0.5)

    assert result(job)["check"]["rolled_back"] is False
    assert len(desk.experiences()) == 2


async def test_the_bound_holds_though_a_compression_is_undone(store: Store, desk: Bank) -> None:
    bounded(desk, experiences=2)

    job = await checked(store, desk, teacher(worse))

    assert result(job)["check"]["rolled_back"] is True
    assert not over(desk)
    assert all("Bad" not in e.content for e in desk.experiences())
    assert [i for i in items(store, job) if ":bound:" in i]


async def test_what_somebody_changed_meanwhile_stays(store: Store, desk: Bank) -> None:
    async def meddling(request: ChatRequest) -> str:
        for merged in desk.experiences():
            if merged.content.endswith("Bad."):
                await apply(desk, Change(Edit(merged.id, content="Nobody is bad.")))
        return reading(request)

    before = texts(desk)

    job = await checked(store, desk, teacher(worse), small=student(meddling))

    (stays,) = [e for e in desk.experiences() if e.content == "Nobody is bad."]
    assert result(job)["check"]["kept"] == [stays.id]
    assert texts(desk) == sorted([*before, (stays.when_to_use, stays.content)])


async def test_stopped_anywhere_a_check_goes_on_and_asks_and_undoes_once(store: Store, desk: Bank) -> None:
    before = texts(desk)
    calls: list[str] = []

    def counted(script: Callable[[ChatRequest], str]) -> Callable[[ChatRequest], str]:
        def said(request: ChatRequest) -> str:
            calls.append(request.call_key)
            return script(request)

        return said

    for most in range(1, 12):
        job = await checked(
            store,
            desk,
            teacher(counted(worse)),
            small=student(counted(reading)),
            budget=Budget(calls=most),
        )
        if job.status != "paused":
            break

    assert job.status == "succeeded"
    assert len(calls) == len(set(calls))
    assert result(job)["check"]["rolled_back"] is True
    assert texts(desk) == before
    reasons = [r["reason"] for r in revisions(store, desk)]
    assert reasons.count("compression_undone") == 1


def revisions(store: Store, bank: Bank) -> list[dict[str, str]]:
    with store.database.reading() as session:
        rows = session.query(RevisionRow).filter_by(bank_id=bank.id).order_by(RevisionRow.revision)
        return [{"reason": row.reason} for row in rows]


async def test_killed_after_it_was_undone_it_is_not_undone_again(
    store: Store, desk: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def cut(*args: object, **kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(type(store.jobs), "finish", cut)
        with pytest.raises(Killed):
            await checked(store, desk, teacher(worse))
    undone = desk.record.revision

    job = await checked(store, desk, teacher("never asked"), small=student(lambda request: "never asked"))

    assert (job.status, desk.record.revision) == ("succeeded", undone)
    assert result(job)["check"]["rolled_back"] is True
    assert events(store, job).count("job.checked") == 1


async def test_a_question_that_nobody_answers_says_nothing(store: Store, desk: Bank) -> None:
    def late(request: ChatRequest) -> str:
        raise ModelTimeout("no answer")

    job = await checked(store, desk, teacher(worse), small=student(late))

    check = result(job)["check"]
    assert (check["failed"], check["samples"], check["rolled_back"]) == (1, 1, False)


async def test_samples_that_the_bank_was_distilled_from_are_refused(store: Store, desk: Bank) -> None:
    await added(desk, "A cable is wanted", "CA-1", "WHERE is a  cable?")
    same = Sample("v", Question("where is a cable?"), "CA-1")

    with pytest.raises(BadInput, match="'v'"):
        await checked(store, desk, teacher(DISTINCT), samples=[same])
    with pytest.raises(BadSetting):
        Validation((same,), "small", tolerance=1.5)
    assert store.jobs.all() == []


async def test_there_is_an_item_for_each_cluster_with_its_result_or_its_refusal(
    store: Store, desk: Bank
) -> None:
    job = await checked(store, desk, teacher(better))

    found = items(store, job)
    (merge,) = [i for name, i in found.items() if name.startswith("0:merge:")]
    assert merge.status == "done"
    assert merge.row is not None
    (made,) = merge.row["result"]
    assert desk.experience(made["experience_id"]).content == made["content"]
    assert (merge.row["refusal"], len(merge.row["experience_ids"])) == (None, 2)
    validated = [i for name, i in found.items() if ":validation:" in name]
    assert {(i.epoch, i.question) for i in validated} == {
        (arm, q.question.text) for arm in (0, 1) for q in QUESTIONS
    }
    details = JobListings(store.database, DEFAULT_CALLER).job(job.id)
    assert (details.counts.total, details.counts.completed) == (5, 5)

    first = JobListings(store.database, DEFAULT_CALLER).items(job.id, Page(2))
    rest = JobListings(store.database, DEFAULT_CALLER).items(job.id, Page(100, after=first.data[-1].id))
    assert [*first.data, *rest.data] == list(found.values())


async def compressed(store: Store, bank: Bank, model: ScriptedChat) -> Job:
    runner = CompressionRunner(bank, jobs=store.jobs, calls=store.calls)
    return await runner.run(runner.find_or_create(teacher=model.name), teacher=model)


@pytest.mark.parametrize(
    ("said", "reason"),
    [(DISTINCT, "distinct"), ("nonsense", "unparsable"), (merging(("When", "Then.")), "guard")],
)
async def test_an_item_tells_why_it_was_left_undone(store: Store, desk: Bank, said: str, reason: str) -> None:
    job = await compressed(store, desk, teacher(said))
    again = await compressed(store, desk, teacher("never asked"))

    for one, why in ((job, reason), (again, "refused")):
        (item,) = items(store, one).values()
        assert item.row is not None
        assert (item.status, item.row["refusal"]["reason"], item.row["result"]) == ("done", why, [])


async def test_removals_and_unions_are_items_and_one_that_was_stale_says_so(store: Store, bank: Bank) -> None:
    one = await added(bank, "A badge is lost", "Ask the desk.")
    two = await added(bank, "A badge is gone", "Ask the desk.")
    bounded(bank, experiences=1)
    await added(bank, "A refund is wanted", "Write to RE-9.")

    job = await compressed(store, bank, teacher("never asked"))

    kinds = {i.row["kind"]: i.row for i in items(store, job).values() if i.row}
    assert set(kinds) == {"unite", "bound"}
    assert set(kinds["unite"]["experience_ids"]) == {one.id, two.id}
    assert kinds["bound"]["result"][0]["why"].startswith("bound of 1 experiences")


async def test_a_cluster_for_which_no_reply_could_be_had_is_a_failed_item_that_is_tried_again(
    store: Store, desk: Bank
) -> None:
    def late(request: ChatRequest) -> str:
        raise ModelTimeout("no answer")

    job = await compressed(store, desk, teacher(late))
    (failed,) = items(store, job).values()
    JobControl(store.database, DEFAULT_CALLER).retry(job.id)
    model = teacher(better)
    runner = CompressionRunner(desk, jobs=store.jobs, calls=store.calls)
    again = await runner.run(store.jobs.get(job.id), teacher=model)

    assert (job.status, failed.status, failed.error) == ("failed", "failed", "no answer")
    assert (again.status, result(again)["operations"]) == ("succeeded", {"merge": 1})


async def test_the_gate_tries_on_validation_samples_and_on_no_others(bench: Bench) -> None:
    train = [
        Sample(f"t{n}", Question(f"Which code has the red door of house {n}?"), "RX-1") for n in range(3)
    ]
    held_out = [
        Sample(f"t{n}", Question(f"Which code has a red door at gate {n}?"), "RX-1") for n in range(3)
    ]
    bench.student = {"student": attempt("unknown"), "gate": attempt("unknown")}
    bench.teacher = {
        "solve": attempt("RX-1"),
        "critique": critique(add("A red door needs its code.", "Its code is RX-1.")),
        "mend": '{"when_to_use": "A red door needs its code", "content": "Its code is RX-1."}',
        "sharpen": '{"when_to_use": "A red door needs its code", "content": "Its code is RX-1."}',
    }

    job = await bench.distil(
        *train[:1], options=Options(trajectories=2, gate="neighbours"), validation=held_out
    )

    tried = [r for r in bench.small.requests if ":gate:" in r.call_key]
    assert tried
    assert all("at gate" in r.messages[1].text for r in tried)
    assert result(job)["samples"] == 1
    assert bench.store.jobs.counts(job.id).total == 1
    with pytest.raises(BadInput, match="no use for validation"):
        await bench.distil(*train, options=Options(gate="sample"), validation=held_out)
    with pytest.raises(BadInput, match="training samples, too"):
        await bench.distil(*train, options=Options(gate="neighbours"), validation=[train[0]])
