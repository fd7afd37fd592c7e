"""The math grader: what it takes for one value, and what becomes of a comparison that does not end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from ted.grading.math import grade_math, math_problem
from ted.grading.math_process import MathProcess, TookTooLong

RIGHT = [
    ("0.5", r"\frac{1}{2}"),
    (r"$\frac12$", "1/2"),
    ("(x+1)^2", "$x^2+2x+1$"),
    (r"The answer is $\boxed{3}$.", "3"),
    (r"\{2, 1\}", r"$\{1, 2\}$"),
    ("x = 3", "3"),
    (r"2\sqrt{2}", r"\sqrt{8}"),
    ("14", "14"),
    ("The area is 14.", "14"),
    (r"\( \frac{3}{4} \)", "0.75"),
]
WRONG = [
    ("13", "14", "is not"),
    ("x^2", "x^3", "is not"),
    ("I do not know", "3", "no mathematics"),
    ("", "3", "no mathematics"),
    ("9" * 3000, "3", "3,000 characters"),
]


@pytest.fixture(scope="module")
def process() -> Iterator[MathProcess]:
    process = MathProcess(seconds=1.0)
    yield process
    process.close()


@pytest.mark.parametrize(("final_answer", "reference"), RIGHT)
def test_one_value_is_right_however_it_is_written(
    process: MathProcess, final_answer: str, reference: str
) -> None:
    assert grade_math(final_answer, reference=reference, process=process).correct


@pytest.mark.parametrize(("final_answer", "reference", "reason"), WRONG)
def test_another_value_or_none_is_wrong_and_the_reason_is_told(
    process: MathProcess, final_answer: str, reference: str, reason: str
) -> None:
    grade = grade_math(final_answer, reference=reference, process=process)

    assert not grade.correct
    assert reason in grade.reason


@pytest.mark.parametrize("endless", ["9^{9^{9^{9}}}", "(10^{9})!"])
def test_a_comparison_that_does_not_end_is_wrong_and_the_next_one_is_made(
    process: MathProcess, endless: str
) -> None:
    stuck = grade_math(endless, reference="3", process=process)

    assert not stuck.correct
    assert grade_math("6/2", reference="3", process=process).correct


def test_a_comparison_that_uses_up_its_time_is_given_up() -> None:
    hasty = MathProcess(seconds=0.001)
    try:
        with pytest.raises(TookTooLong):
            hasty.compared("(x+1)^{60}", "(x+2)^{30}(x+1)^{30}")
    finally:
        hasty.close()


def test_a_process_that_was_killed_is_begun_anew(process: MathProcess) -> None:
    assert grade_math("6/2", reference="3", process=process).correct
    assert process._process is not None
    os.kill(process._process.pid, signal.SIGKILL)
    process._process.wait()

    assert grade_math("8/2", reference="4", process=process).correct


@pytest.mark.parametrize("reference", ["FX-31 is the code", "yes", "#"])
def test_a_reference_that_is_no_mathematics_is_refused(process: MathProcess, reference: str) -> None:
    assert "grader 'math'" in (math_problem(reference, process=process) or "")


@pytest.mark.parametrize("reference", [reference for _, reference in RIGHT])
def test_a_reference_that_is_mathematics_is_taken(process: MathProcess, reference: str) -> None:
    assert math_problem(reference, process=process) is None
