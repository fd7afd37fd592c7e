"""An evaluation: each sample under each arm, paired; the figures follow from the rows."""

from __future__ import annotations

import json
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ted.bank.bank import Bank
from ted.chat import ScriptedChat
from ted.errors import ModelTimeout
from ted.evaluation.arms import Arms
from ted.evaluation.rows import Arm, Row
from ted.evaluation.statistics import figures
from ted.grading.grading import Grading
from ted.profile import COMPACT, FULL
from ted.sample import Choice, Question, Sample
from ted.student import Student
from tests.evaluating import Evaluation, evaluate
from tests.scripted import Call, Rule, attempt, call_of, speaking
from tests.stores import added

ARMS: tuple[Arm, ...] = ("none", "retrieve", "teacher")
SAMPLES = [
    Sample("red", Question("Which code has the red door?"), "RX-1"),
    Sample("blue", Question("What opens the gate by the lake?"), "BX-2"),
    Sample("tea", Question("Which drink: (A) tea or (B) milk?"), "A", Choice()),
]


@pytest.fixture
async def taught(bank: Bank) -> Bank:
    await added(bank, "A red door", "Its code is RX-1.", "Which code has the red door?")
    return bank


def student(call: Call) -> str:
    """Right where it is told, and about tea unless it is told something."""
    if "RX-1" in call.user:
        return attempt("RX-1", used=["E1"])
    return attempt("A" if call.sample == "tea" else "no idea")


async def evaluated(
    bank: Bank, rule: Rule = student, *, arms: tuple[Arm, ...] = ARMS
) -> tuple[Evaluation, ScriptedChat, ScriptedChat]:
    answers = {sample.id: sample.answer for sample in SAMPLES}
    small = speaking({"student": rule}, name="small", usd_per_token=0.001)
    large = speaking(
        {"teacher": lambda call: attempt(answers[call.sample])}, name="large", usd_per_token=None
    )
    told: list[Row] = []
    evaluation = await evaluate(
        SAMPLES,
        job_id="job_9",
        arms=arms,
        asking=Arms(bank, Student(small, FULL), Student(large, FULL), Grading()),
        progress=told.append,
    )
    assert sorted(told, key=repr) == sorted(evaluation.rows, key=repr)
    return evaluation, small, large


async def test_each_sample_is_asked_once_under_each_arm(taught: Bank) -> None:
    evaluation, small, large = await evaluated(taught)

    assert [(row.arm, row.sample) for row in evaluation.rows] == [(a, s.id) for a in ARMS for s in SAMPLES]
    assert (len(small.requests), len(large.requests)) == (6, 3)
    assert {request.temperature for request in [*small.requests, *large.requests]} == {0.0}


async def test_only_the_retrieving_arm_shows_experiences(taught: Bank) -> None:
    evaluation, _, large = await evaluated(taught)

    shown = {(row.arm, row.sample) for row in evaluation.rows if row.experiences}
    assert shown == {("retrieve", "red")}
    (row,) = (r for r in evaluation.rows if (r.arm, r.sample) == ("retrieve", "tea"))
    assert row.abstained
    assert not any("<experiences>" in request.messages[1].text for request in large.requests)


async def test_arms_are_paired_by_the_same_seed(taught: Bank) -> None:
    _, small, _ = await evaluated(taught)

    seeds: dict[str, set[int]] = {}
    for request in small.requests:
        seeds.setdefault(call_of(request).sample, set()).add(request.seed)
    assert {len(of_sample) for of_sample in seeds.values()} == {1}
    assert len(set.union(*seeds.values())) == len(SAMPLES)
    assert len({request.call_key for request in small.requests}) == 6


async def test_the_figures_follow_from_the_rows(taught: Bank) -> None:
    evaluation, _, _ = await evaluated(taught)

    none, retrieve, teacher = evaluation.arms
    assert [(a.arm, a.questions, a.correct) for a in evaluation.arms] == [
        ("none", 3, 1),
        ("retrieve", 3, 2),
        ("teacher", 3, 3),
    ]
    assert (none.right_flips, none.wrong_flips) == (None, None)
    assert (retrieve.right_flips, retrieve.wrong_flips) == (1, 0)
    assert (teacher.right_flips, teacher.wrong_flips) == (2, 0)
    mine = [row for row in evaluation.rows if row.arm == "retrieve"]
    assert retrieve.prompt_tokens == sum(row.prompt_tokens for row in mine)
    assert retrieve.tokens == sum(row.prompt_tokens + row.completion_tokens for row in mine)
    assert retrieve.cost_usd == pytest.approx(0.001 * retrieve.tokens)
    assert teacher.cost_usd is None  # an unknown price is not nothing


async def test_a_regression_is_a_wrong_flip(taught: Bank) -> None:
    evaluation, _, _ = await evaluated(
        taught, lambda call: attempt("no idea" if "RX-1" in call.user else "RX-1"), arms=("none", "retrieve")
    )

    assert (evaluation.arms[1].right_flips, evaluation.arms[1].wrong_flips) == (0, 1)


async def test_an_arm_that_is_named_twice_is_run_once(taught: Bank) -> None:
    evaluation, small, _ = await evaluated(taught, arms=("none", "none"))

    assert (len(evaluation.arms), len(evaluation.rows), len(small.requests)) == (1, 3, 3)


async def test_without_the_arm_alone_there_are_no_flips(taught: Bank) -> None:
    evaluation, _, _ = await evaluated(taught, arms=("retrieve",))

    assert (evaluation.arms[0].right_flips, evaluation.arms[0].wrong_flips) == (None, None)


async def test_a_reply_that_does_not_parse_is_graded_as_the_text_it_is(taught: Bank) -> None:
    evaluation, _, _ = await evaluated(taught, lambda call: " RX-1 ", arms=("none",))

    (row,) = (r for r in evaluation.rows if r.sample == "red")
    assert (row.final_answer, row.correct) == ("RX-1", True)


async def test_a_question_nobody_answered_is_not_left_out_in_silence(taught: Bank) -> None:
    """Figures over the rest would be of another set of questions."""

    def down(call: Call) -> str:
        if call.sample == "blue":
            raise ModelTimeout("no answer")
        return attempt("RX-1")

    with pytest.raises(ModelTimeout, match="no answer"):
        await evaluated(taught, down, arms=("none",))


async def test_an_evaluation_writes_neither_experiences_nor_usage(taught: Bank) -> None:
    before = taught.record

    await evaluated(taught)

    assert taught.record == before
    with taught.database.reading() as session:
        from ted.bank.usage import usage_of

        assert {u.retrieved for u in usage_of(session, taught.id).values()} == {0}


async def test_an_evaluation_is_json(taught: Bank) -> None:
    evaluation, _, _ = await evaluated(taught)

    read = json.loads(json.dumps(evaluation.to_json()))

    assert [a["arm"] for a in read["arms"]] == list(ARMS)
    assert len(read["questions"]) == 9


async def test_the_compact_form_asks_for_the_answer_only(taught: Bank) -> None:
    small = ScriptedChat(lambda request: "Answer: RX-1")
    student = Student(small, COMPACT)

    evaluation = await evaluate(
        SAMPLES[:1], job_id="job_1", arms=["retrieve"], asking=Arms(taught, student, student, Grading())
    )

    assert evaluation.rows[0].correct
    assert small.requests[0].schema is None


def row(number: int, *, correct: bool) -> Row:
    return Row("none", f"s{number}", "q", "a", "a", correct, (), False, 10, 2, 0.0, 0.1)


def wilson(correct: int, questions: int) -> tuple[float, float]:
    """Wilson (1927), 95 %, in closed form."""
    z, p = 1.959963984540054, correct / questions
    middle = (p + z * z / (2 * questions)) / (1 + z * z / questions)
    half = z * sqrt(p * (1 - p) / questions + z * z / (4 * questions**2)) / (1 + z * z / questions)
    return max(0.0, middle - half), min(1.0, middle + half)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_an_accuracy_is_wilsons(counts: tuple[int, int]) -> None:
    correct, questions = counts

    found = figures([row(n, correct=n < correct) for n in range(questions)], "none")

    assert (found.correct, found.questions, found.accuracy) == (correct, questions, correct / questions)
    assert found.interval == pytest.approx(wilson(correct, questions), abs=1e-9)


@pytest.mark.parametrize(
    ("correct", "questions", "low", "high"),
    [(41, 48, 0.7283, 0.9275), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_known_intervals(correct: int, questions: int, low: float, high: float) -> None:
    found = figures([row(n, correct=n < correct) for n in range(questions)], "none")

    assert found.interval == pytest.approx((low, high), abs=5e-4)
