"""The math grader: the same mathematical value, however it is written. Compared in a process that can be killed."""

from __future__ import annotations

from ted.grading.math_process import SHARED, MathProcess, TookTooLong
from ted.texts import shortened
from ted.trajectory import Grade

MAX_CHARACTERS = 2_000
"""Of an answer: what is longer is a text about mathematics."""


def grade_math(final_answer: str, *, reference: str, process: MathProcess = SHARED) -> Grade:
    """Right where math-verify finds both to be one value; too slow a comparison is wrong."""
    if len(final_answer) > MAX_CHARACTERS:
        return Grade(False, f"the answer has {len(final_answer):,} characters, more than {MAX_CHARACTERS:,}")
    if final_answer.strip() == reference.strip():
        return Grade(True)
    try:
        told = process.compared(reference, final_answer)
    except TookTooLong as error:
        return Grade(False, f"comparing '{shortened(final_answer)}' took too long: {error}")
    if "error" in told:
        return Grade(False, f"'{shortened(final_answer)}' could not be compared: {told['error']}")
    if not told["found"]:
        return Grade(False, f"'{shortened(final_answer)}' holds no mathematics")
    return (
        Grade(True)
        if told["same"]
        else Grade(False, f"'{shortened(final_answer)}' is not '{shortened(reference)}'")
    )


def math_problem(reference: str, *, process: MathProcess = SHARED) -> str | None:
    """Why this reference cannot be graded against, or None."""
    wanted = "as the grader 'math' needs: write a number, an expression or LaTeX"
    if len(reference) > MAX_CHARACTERS:
        return f"the reference has {len(reference):,} characters, more than {MAX_CHARACTERS:,}, {wanted}"
    try:
        told = process.compared(reference, reference)
    except TookTooLong as error:
        return f"'{shortened(reference)}' took too long to compare with itself ({error}): write it simpler"
    if not told.get("known"):
        return f"'{shortened(reference)}' is no mathematics, {wanted}"
    return None
