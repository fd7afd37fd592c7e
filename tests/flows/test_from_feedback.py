"""Distilling what was answered wrong: which answers become samples, once, and when a job gives them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from ted.answer import Answer, Cascaded, Latency
from ted.bank.caller import DEFAULT_CALLER, Caller
from ted.bank.feedback import Feedback, FeedbackStore
from ted.bank.job_control import JobControl
from ted.bank.job_tables import DistilledAnswerRow
from ted.bank.job_values import Job
from ted.bank.once import Once
from ted.chat import Usage
from ted.errors import Conflict, ModelTimeout, NothingToDistil
from ted.experience import Retrieval
from ted.ids import new_id
from ted.jobs.distillation import DistillationRunner, Options
from ted.jobs.from_feedback import begin, unfinished
from ted.sample import Exact, Image, Numeric, Question, Sample
from ted.settings import Budget
from tests.drawings import draw
from tests.scripted import Bench, add, attempt, critique, result, speaking
from tests.stores import Store

pytestmark = pytest.mark.each_store

BADGE, PARCEL, CRATES = "Where do I report a lost badge?", "Which counter takes parcels?", "How many crates?"
LATENCY = Latency(0.0, 0.0, 0.0, 0.0)
OPTIONS = Options(trajectories=1, batch_size=1)
NAMED = {"student": "small", "teacher": "large"}


def feedback(store: Store) -> FeedbackStore:
    return FeedbackStore(store.database, DEFAULT_CALLER, trusted=True)


def said(bench: Bench, question: str, text: str = "reception", **more: Any) -> str:
    """The id of an answer that was given."""
    answer_id = new_id("ans")
    asked = Question(question, more.pop("images", ()))
    given = Answer(
        answer_id, bench.bank.id, asked, "retrieve", text, text, None, Retrieval((), 0, abstained=True),
        "small", Usage(), LATENCY, **more,
    )  # fmt: skip
    bench.store.answers.keep(given)
    return answer_id


def wrong(bench: Bench, question: str, reference: str, *, outcome: float = 0.0, **more: Any) -> str:
    answer_id = said(bench, question, **more)
    feedback(bench.store).give(Feedback(answer_id, outcome, reference))
    return answer_id


def harvested(bench: Bench, question: str, text: str) -> str:
    cascaded = Cascaded(("1", "2", "3"), 1 / 3, 2 / 3, "small", Usage(), "large", Usage())
    return said(bench, question, text, cascaded=cascaded, harvested=True)


def waiting(bench: Bench) -> list[Sample]:
    return list(feedback(bench.store).to_distil(bench.bank.id).samples)


def begun(bench: Bench, options: Options = OPTIONS, **more: Any) -> Job:
    found = feedback(bench.store).to_distil(bench.bank.id)
    return begin(bench.store.jobs, bench.bank, found, options, **NAMED, budget=Budget(), **more)


async def run(bench: Bench, job: Job) -> Job:
    runner = DistillationRunner(
        bench.bank, jobs=bench.store.jobs, material=bench.store.material, calls=bench.store.calls
    )
    small, large = speaking(bench.student, name="small"), speaking(bench.teacher, name="large")
    return await runner.run(bench.store.jobs.get(job.id), student=small, teacher=large)


def teaching(bench: Bench, answer: str = "desk QX-417") -> None:
    bench.student = {"student": attempt("reception")}
    lesson = add("Something is asked", f"It is {answer}.")
    bench.teacher = {"solve": attempt(answer), "explain": attempt(answer), "critique": critique(lesson)}


def test_wrong_answers_with_an_accepted_reference_and_harvested_ones_are_samples(bench: Bench) -> None:
    picture = Image("abc", "image/png", draw("red", "circle", seed=2))
    badge = wrong(bench, BADGE, "desk QX-417", images=(picture,))
    crates = wrong(bench, CRATES, "48", outcome=0.5)
    parcel = harvested(bench, PARCEL, "counter ZV-30")
    wrong(bench, "Who is right?", "I am", outcome=1.0)
    said(bench, "What does nobody say anything of?")
    waits = said(bench, "Who waits for a review?")
    FeedbackStore(bench.store.database, DEFAULT_CALLER).give(Feedback(waits, 0.0, "she does"))

    job = begun(bench)

    assert bench.store.jobs.samples(job.id) == [
        Sample(badge, Question(BADGE, (picture,)), "desk QX-417", Exact()),
        Sample(crates, Question(CRATES), "48", Numeric()),
        Sample(parcel, Question(PARCEL), "counter ZV-30", Exact(), unlabelled=True),
    ]
    assert job.request["from_feedback"] is True


def test_each_answer_is_taken_once(bench: Bench) -> None:
    wrong(bench, BADGE, "desk QX-417")
    job = begun(bench)

    with pytest.raises(NothingToDistil, match="bank 'desk' has no answer to learn from"):
        begun(bench)

    bench.store.jobs.finish(job.id, "succeeded", result={})
    assert waiting(bench) == []
    later = wrong(bench, PARCEL, "counter ZV-30")
    assert [sample.id for sample in waiting(bench)] == [later]


def test_a_question_that_was_asked_often_is_one_sample_with_the_newest_reference(bench: Bench) -> None:
    harvested(bench, BADGE, "desk 1")
    wrong(bench, BADGE, "desk 2")
    newest = wrong(bench, f" {BADGE.upper()}", "desk 3")
    harvested(bench, BADGE, "desk 4")

    (sample,) = waiting(bench)

    assert (sample.id, sample.answer, sample.unlabelled) == (newest, "desk 3", False)
    begun(bench)
    assert waiting(bench) == []


@pytest.mark.parametrize(
    ("outcome", "reference", "found"),
    [(1.0, None, ("desk 1", True)), (0.0, None, None), (0.0, "desk 2", ("desk 2", False))],
)
def test_a_harvested_answer_that_somebody_calls_wrong_waits_for_a_reference(
    bench: Bench, outcome: float, reference: str | None, found: tuple[str, bool] | None
) -> None:
    answer_id = harvested(bench, BADGE, "desk 1")
    feedback(bench.store).give(Feedback(answer_id, outcome, reference))

    assert [(s.answer, s.unlabelled) for s in waiting(bench)] == ([found] if found else [])


def test_what_another_job_took_meanwhile_makes_no_second_job(bench: Bench) -> None:
    wrong(bench, BADGE, "desk QX-417")
    seen = feedback(bench.store).to_distil(bench.bank.id)
    bench.store.jobs.finish(begun(bench).id, "succeeded", result={})

    with pytest.raises(Conflict, match="is a sample of job"):
        begin(bench.store.jobs, bench.bank, seen, OPTIONS, **NAMED, budget=Budget())

    assert len(bench.store.jobs.all(bench.bank.id)) == 1


def test_a_request_that_comes_again_makes_one_job(bench: Bench) -> None:
    wrong(bench, BADGE, "desk QX-417")
    seen, once = feedback(bench.store).to_distil(bench.bank.id), Once("key", "print")

    jobs = [
        begin(bench.store.jobs, bench.bank, seen, OPTIONS, **NAMED, budget=Budget(), once=once)
        for _ in range(2)
    ]

    assert jobs[0].id == jobs[1].id


def test_answers_of_others_are_not_there(bench: Bench) -> None:
    wrong(bench, BADGE, "desk QX-417")
    stranger = FeedbackStore(bench.store.database, Caller("proj_other"))

    assert stranger.to_distil(bench.bank.id).samples == ()


async def test_what_was_learned_from_answers_is_in_the_bank(bench: Bench) -> None:
    answer_id = wrong(bench, BADGE, "desk QX-417")
    teaching(bench)

    job = await run(bench, begun(bench))

    assert (job.status, result(job)["operations"]) == ("succeeded", {"add": 1})
    (experience,) = bench.bank.experiences()
    assert [key.text for key in experience.keys if key.kind == "question"] == [BADGE]
    with bench.store.database.reading() as session:
        (row,) = session.scalars(select(DistilledAnswerRow))
    assert (row.answer_id, row.sample_id, row.job_id) == (answer_id, answer_id, job.id)


def cancelled(bench: Bench, job: Job) -> None:
    JobControl(bench.store.database, DEFAULT_CALLER).cancel(job.id)


def failed(bench: Bench, job: Job) -> None:
    bench.store.jobs.finish(job.id, "failed", result=None, error="it could not be run")


@pytest.mark.parametrize("end", [cancelled, failed])
async def test_a_job_that_ended_early_gives_back_what_it_has_not_done(
    bench: Bench, end: Callable[[Bench, Job], None]
) -> None:
    first = wrong(bench, BADGE, "desk QX-417")
    asked_twice = [wrong(bench, PARCEL, "counter ZV-30") for _ in range(2)]
    teaching(bench)
    job = begun(bench)
    bench.store.jobs.set_budget(job.id, {"usd": None, "tokens": None, "calls": 3})
    assert (await run(bench, job)).status == "paused"

    end(bench, job)

    assert [sample.id for sample in waiting(bench)] == asked_twice[-1:]
    with bench.store.database.reading() as session:
        assert set(session.scalars(select(DistilledAnswerRow.answer_id))) == {first}


async def test_a_failed_job_takes_its_answers_again_when_it_is_retried(bench: Bench) -> None:
    answer_id = wrong(bench, BADGE, "desk QX-417")
    teaching(bench)
    down = dict(bench.student)
    bench.student = {"student": _down}
    job = await run(bench, begun(bench))
    assert (job.status, [s.id for s in waiting(bench)]) == ("failed", [answer_id])

    JobControl(bench.store.database, DEFAULT_CALLER).retry(job.id)

    assert waiting(bench) == []
    bench.student = down
    assert (await run(bench, job)).status == "succeeded"


async def test_a_retry_of_answers_that_another_job_has_by_now_is_refused(bench: Bench) -> None:
    wrong(bench, BADGE, "desk QX-417")
    teaching(bench)
    bench.student = {"student": _down}
    job = await run(bench, begun(bench))
    bench.store.jobs.finish(begun(bench).id, "succeeded", result={})

    with pytest.raises(Conflict, match="is a sample of job"):
        JobControl(bench.store.database, DEFAULT_CALLER).retry(job.id)

    assert bench.store.jobs.get(job.id).status == "failed"


def _down(call: object) -> str:
    raise ModelTimeout("down")


def test_the_job_that_rests_is_found_by_its_options(bench: Bench) -> None:
    wrong(bench, BADGE, "desk QX-417")
    job = begun(bench)

    def resting(options: Options) -> Job | None:
        return unfinished(bench.store.jobs, bench.bank, options, **NAMED)

    found = resting(OPTIONS)
    assert found is not None
    assert (found.id, resting(replace(OPTIONS, epochs=2))) == (job.id, None)
    bench.store.jobs.finish(job.id, "succeeded", result={})
    assert resting(OPTIONS) is None
