"""When several answers are one answer, and which of them a cascade takes."""

from __future__ import annotations

import pytest

from ted.grading.agreement import agreement_of, same_answer
from ted.sample import Exact, Grader, Judge, Numeric, Regex


@pytest.mark.parametrize(
    ("one", "other", "grader", "same"),
    [
        ("Paris.", "paris", None, True),
        ("42 km", "42.0", None, True),
        ("The answer is 42", "42", None, True),
        ("(B)", "B", None, True),
        ("42", "43", None, False),
        ("0.999", "1", Numeric(0.01), True),
        ("0.999", "1", Exact(), False),
        ("a+", "a+", Regex(), True),
        ("aa", "a+", Regex(), False),
        ("a month", "30 days", Judge(), False),
    ],
)
def test_answers_are_the_same_as_their_grader_would_see_it(
    one: str, other: str, grader: Grader | None, same: bool
) -> None:
    assert same_answer(one, other, grader=grader) == same


@pytest.mark.parametrize(
    ("answers", "chosen", "share"),
    [
        (["a"], 0, 1.0),
        (["a", "b", "B."], 1, 2 / 3),
        (["a", "b", "c"], 0, 1 / 3),
        (["7", "8", "7.0", "8"], 0, 0.5),
    ],
)
def test_the_answer_most_often_given_is_chosen_and_the_first_of_equals(
    answers: list[str], chosen: int, share: float
) -> None:
    found = agreement_of(answers)

    assert (found.position, found.final_answer, found.share) == (
        chosen,
        answers[chosen],
        pytest.approx(share),
    )
