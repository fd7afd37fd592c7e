"""What each grader takes for right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ted.grading.grade import grade, reference_problem
from ted.sample import Choice, Exact, Grader, Json, Numeric, Regex

RIGHT: list[tuple[Grader, str, str]] = [
    (Exact(), "Paris", "Paris"),
    (Exact(), "  paris.\n", "Paris"),
    (Exact(), "**Paris**", "Paris"),
    (Exact(), '"Paris."', "Paris"),
    (Exact(), "`QX-417`", "QX-417"),
    (Exact(), "QX\u2011417", "QX-417"),
    (Exact(), "\u201cParis\u201d.", "Paris"),
    (Exact(), "\uff30\uff21\uff32\uff29\uff33", "Paris"),
    (Exact(), "New \n York", "new york"),
    (Exact(), "STRASSE", "Straße"),
    (Exact(), "Paris", '"Paris"'),
    (Exact(), ".", "."),
    (Numeric(), "42", "42"),
    (Numeric(), "The answer is 42.", "42"),
    (Numeric(), "1,234,567.5", "1234567.5"),
    (Numeric(), "1 234 567", "1234567"),
    (Numeric(), "1'000", "1_000"),
    (Numeric(), "$1,200", "1200"),
    (Numeric(), "42 km", "42 km"),
    (Numeric(), "42", "42 km"),
    (Numeric(), "42 apples", "42"),
    (Numeric(), "50 percent", "50%"),
    (Numeric(), "12 EUR", "€12"),
    (Numeric(), "3/4", "0.75"),
    (Numeric(), "1 1/2", "1.5"),
    (Numeric(), "1½", "1.5"),
    (Numeric(), "-\u00bd", "-0.5"),
    (Numeric(), "1.5e3", "1500"),
    (Numeric(), "1.5 \u00d7 10^3", "1500"),
    (Numeric(), "1.5 x 10³ m", "1500 m"),
    (Numeric(), "\u22125", "-5"),
    (Numeric(), "x = -5", "-5"),
    (Numeric(), "\\boxed{42}", "42"),
    (Numeric(), "$42$", "42 km"),
    (Numeric(tolerance=0.5), "10.4", "10"),
    (Numeric(tolerance=0.01), "1009", "1000"),
    (Numeric(tolerance=0), "0.75", "3/4"),
    (Choice(), "B", "B"),
    (Choice(), "(b)", "B"),
    (Choice(), "B) Paris", "B"),
    (Choice(), "B. Paris", "(B) Paris"),
    (Choice(), "B \u2013 Paris", "B"),
    (Choice(), "Answer: B", "B"),
    (Choice(), "The correct answer is **B**, because A is too small.", "B"),
    (Choice(), "$\\boxed{\\text{B}}$", "B"),
    (Choice(), "(A) is wrong, so the answer is (B)", "B"),
    (Choice(), "I choose option 2", "2"),
    (Choice(), "02)", "2"),
    (Choice(), "It's C.", "C"),
    (Choice(), "The answer is A", "A"),
    (Regex(), " QX-417 ", r"QX-\d{3}"),
    (Regex(), "colour", "colou?r"),
    (Json(), '{"b": [1, 2], "a": null}', '{"a": null, "b": [1.0, 2]}'),
    (Json(), '```json\n{"a": 1}\n```', '{"a": 1}'),
    (Json(), 'Here it is:\n```\n[true]\n```', "[true]"),
]  # fmt: skip

WRONG: list[tuple[Grader, str, str]] = [
    (Exact(), "Paris, France", "Paris"),
    (Exact(), "", "Paris"),
    (Exact(), "QX-471", "QX-417"),
    (Exact(), '""Paris""', "Paris"),
    (Numeric(), "43", "42"),
    (Numeric(), "", "42"),
    (Numeric(), "forty-two", "42"),
    (Numeric(), "3 plus 4 is 7", "7"),
    (Numeric(), "42 miles", "42 km"),
    (Numeric(), "$50", "50%"),
    (Numeric(), "0.5", "50%"),
    (Numeric(), "3,14", "3.14"),
    (Numeric(), "1,5", "5"),
    (Numeric(), "QX-417", "417"),
    (Numeric(), "2024-05-01", "2024"),
    (Numeric(), "10:30", "10"),
    (Numeric(), "10³", "103"),
    (Numeric(), "1/0", "1"),
    (Numeric(), "1e999", "1"),
    (Numeric(), "9" * 5000, "1"),
    (Numeric(), "5 m²", "5 m"),
    (Numeric(tolerance=0.5), "10.6", "1"),
    (Choice(), "A", "B"),
    (Choice(), "", "B"),
    (Choice(), "Paris", "B) Paris"),
    (Choice(), "A or B", "B"),
    (Choice(), "The answer is A or B", "A"),
    (Choice(), "Both (A) and (B)", "A"),
    (Choice(), "A) Rome B) Paris", "A"),
    (Choice(), "A dog", "A"),
    (Choice(), "The answer is a dog", "A"),
    (Choice(), "The answer is not B", "B"),
    (Choice(), "it is not (B)", "B"),
    (Choice(), "2.5", "2"),
    (Regex(), "QX-417 and more", r"QX-\d{3}"),
    (Regex(), "anything", "(unclosed"),
    (Json(), '{"a": 1, "b": 2}', '{"a": 1}'),
    (Json(), '{"a": true}', '{"a": 1}'),
    (Json(), "[2, 1]", "[1, 2]"),
    (Json(), '"1"', "1"),
    (Json(), "null", "false"),
    (Json(), "NaN", "null"),
    (Json(), "{'a': 1}", '{"a": 1}'),
    (Json(), "[" * 100_000, "[]"),
    (Json(), "1" * 10_000, "1"),
]

GRADERS: list[tuple[Grader, str]] = [
    (Exact(), "Paris"),
    (Numeric(), "42 km"),
    (Choice(), "B"),
    (Regex(), r"[a-z]+"),
    (Json(), '{"a": [1]}'),
]


def named(value: object) -> str:
    return str(value)[:30]


@pytest.mark.parametrize(("grader", "final_answer", "reference"), RIGHT, ids=named)
def test_right(grader: Grader, final_answer: str, reference: str) -> None:
    grade_of_it = grade(final_answer, reference=reference, grader=grader)

    assert grade_of_it.correct, grade_of_it.reason


@pytest.mark.parametrize(("grader", "final_answer", "reference"), WRONG, ids=named)
def test_wrong_with_a_reason(grader: Grader, final_answer: str, reference: str) -> None:
    grade_of_it = grade(final_answer, reference=reference, grader=grader)

    assert not grade_of_it.correct
    assert grade_of_it.reason


@pytest.mark.parametrize("pattern", ["(a|aa)+$", r"(\w+\s?)+:", "(a+)+$"])
def test_a_catastrophic_pattern_is_wrong_with_a_reason_instead_of_hanging(pattern: str) -> None:
    outcome = grade("a" * 5000 + "!", reference=pattern, grader=Regex())

    assert not outcome.correct
    assert "took too long" in outcome.reason or "does not match" in outcome.reason


def test_a_match_that_takes_too_long_says_so() -> None:
    outcome = grade("a" * 200 + "!", reference="(a|a|aa)+b?$", grader=Regex())

    assert "took too long" in outcome.reason


@pytest.mark.parametrize(("grader", "reference"), GRADERS, ids=named)
def test_a_reference_that_can_be_graded_against_has_no_problem_and_is_right_itself(
    grader: Grader, reference: str
) -> None:
    assert reference_problem(reference, grader=grader) is None
    assert isinstance(grader, Regex) or grade(reference, reference=reference, grader=grader).correct


@pytest.mark.parametrize(
    ("grader", "reference", "problem"),
    [
        (Numeric(), "three", "not one number"),
        (Choice(), "Paris", "names no option"),
        (Regex(), "*", "does not compile"),
        (Regex(), "a" * 3000, "make it shorter"),
        (Regex(), "a{1000000000}", "use + or *"),
        (Regex(), "((((a{100}){100}){100}){100}){100}", "use + or *"),
        (Json(), "{", "does not parse"),
    ],
    ids=named,
)
def test_a_reference_that_cannot_be_graded_against_says_why(
    grader: Grader, reference: str, problem: str
) -> None:
    assert problem in (reference_problem(reference, grader=grader) or "")


@pytest.mark.parametrize(("grader", "reference"), GRADERS, ids=named)
@given(text=st.text(st.characters()) | st.from_regex(r"[-+$0-9.,/eEx^ ()%A-D\[\]{}:\"'*`]{0,40}"))
def test_no_text_of_a_model_makes_a_grader_raise(grader: Grader, reference: str, text: str) -> None:
    outcome = grade(text, reference=reference, grader=grader)

    assert outcome.correct or outcome.reason
