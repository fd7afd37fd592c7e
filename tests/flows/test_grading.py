"""Grading as the flows hold it: the judge is asked where a sample says so, and its calls are in the ledger."""

from __future__ import annotations

import pytest

from ted.errors import BadSetting, ModelFailure
from ted.grading.grading import Grading
from ted.sample import Judge, Math, Question, Sample
from tests.scripted import Bench, Call, attempt, call_of, critique, result, speaking
from tests.stores import Store

RETURN = Sample("s1", Question("How long may I keep it?"), "thirty days", Judge())
KEY = "job_1:0:s1:judge:0"


def saying(text: str) -> Grading:
    return Grading(speaking({"judge": text}, name="judge"))


@pytest.mark.parametrize(("said", "right"), [('{"same": true}', True), ('Well: {"same": false}', False)])
async def test_the_judge_decides(said: str, right: bool) -> None:
    grade = await saying(said).grade("a month of 30 days", sample=RETURN, call_key=KEY)

    assert grade.correct == right
    assert right or "judge" in grade.reason


@pytest.mark.parametrize(("final_answer", "right"), [("Thirty days.", True), (" ", False)])
async def test_what_needs_no_judgement_is_not_asked_about(final_answer: str, right: bool) -> None:
    grade = await Grading(speaking({}, name="judge")).grade(final_answer, sample=RETURN, call_key=KEY)

    assert grade.correct == right


async def test_a_judge_that_cannot_be_understood_is_a_failure_and_no_wrong_answer() -> None:
    with pytest.raises(ModelFailure, match="gave no judgement"):
        await saying("perhaps").grade("a month", sample=RETURN, call_key=KEY)


async def test_without_a_judge_it_is_told_what_to_set() -> None:
    with pytest.raises(BadSetting, match="TED_JUDGE"):
        await Grading().grade("a month", sample=RETURN, call_key=KEY)


async def test_mathematics_is_compared_without_a_model() -> None:
    half = Sample("s2", Question("Half?"), r"\frac{1}{2}", Math())

    assert (await Grading().grade("0.5", sample=half, call_key=KEY)).correct


async def test_a_distillation_asks_the_teacher_to_judge_and_keeps_its_calls(store: Store) -> None:
    def judged(call: Call) -> str:
        return '{"same": true}' if "a month" in call.user else '{"same": false}'

    bench = Bench(store, store.create())
    bench.student = {"student": lambda call: attempt("a month" if call.number else "a year")}
    bench.teacher = {
        "judge": judged,
        "judge-solution": judged,
        "solve": attempt("a month"),
        "critique": critique(),
    }

    job = await bench.distil(RETURN)

    assert (job.status, result(job)["items"]["completed"]) == ("succeeded", 1)
    keys = sorted(r.call_key.partition(":")[2] for r in bench.large.requests if "judge" in r.call_key)
    assert keys == ["0:s1:judge-solution:0", "0:s1:judge:0", "0:s1:judge:1"]
    assert all(call_of(request).sample == "s1" for request in bench.large.requests)
