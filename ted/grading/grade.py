"""Which grader grades. How each of them compares is in its own file."""

from __future__ import annotations

from typing import assert_never

from ted.grading.choice import choice_problem, grade_choice
from ted.grading.exact import grade_exact
from ted.grading.json_value import grade_json, json_problem
from ted.grading.math import grade_math, math_problem
from ted.grading.numeric import grade_numeric, numeric_problem
from ted.grading.regex import grade_regex, regex_problem
from ted.sample import Choice, Exact, Grader, Json, Judge, Math, Numeric, Regex, SelfGraded
from ted.trajectory import Grade


def grade(final_answer: str, *, reference: str, grader: SelfGraded) -> Grade:
    """Right or wrong, with the reason where wrong. Never raises, whatever a model wrote.

    `math` and `regex` may take seconds: call it in a thread.
    """
    match grader:
        case Exact():
            return grade_exact(final_answer, reference=reference)
        case Numeric(tolerance=tolerance):
            return grade_numeric(final_answer, reference=reference, tolerance=tolerance)
        case Choice():
            return grade_choice(final_answer, reference=reference)
        case Regex():
            return grade_regex(final_answer, reference=reference)
        case Json():
            return grade_json(final_answer, reference=reference)
        case Math():
            return grade_math(final_answer, reference=reference)
        case _:
            assert_never(grader)


def reference_problem(reference: str, *, grader: Grader) -> str | None:
    """Why nothing could ever be graded against this reference, or None where it can be."""
    match grader:
        case Exact() | Judge():
            return None
        case Numeric():
            return numeric_problem(reference)
        case Choice():
            return choice_problem(reference)
        case Regex():
            return regex_problem(reference)
        case Json():
            return json_problem(reference)
        case Math():
            return math_problem(reference)
        case _:
            assert_never(grader)
