"""Which grader a reference gets by its look."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ted.grading.auto import chosen_for
from ted.grading.grade import reference_problem
from ted.images import ImageLimits
from ted.sample import Choice, Exact, Json, Math, Numeric, SelfGraded
from ted.sample_files import parse_samples

CHOSEN: list[tuple[str, SelfGraded]] = [
    ('{"a": 1}', Json()),
    ("[1, 2]", Json()),
    ("{broken", Exact()),
    ("B", Choice()),
    ("(b)", Choice()),
    ("B) Paris", Choice()),
    ("C. 12 km", Choice()),
    ("42", Numeric()),
    ("-3.5", Numeric()),
    ("1,234.5", Numeric()),
    ("$1,200", Numeric()),
    ("3/4", Numeric()),
    ("12 km", Numeric()),
    ("50%", Numeric()),
    ("1.5e3", Numeric()),
    (r"\frac{1}{2}", Math()),
    ("$x$", Math()),
    ("x^2 + 1", Math()),
    ("sqrt(2)", Math()),
    ("2*pi", Math()),
    ("x = 3", Math()),
    ("Paris", Exact()),
    ("FX-31", Exact()),
    ("A-7", Exact()),
    ("and/or", Exact()),
    ("Room 12", Exact()),
    ("12:30", Exact()),
    ("2026-11-24", Exact()),
    ("C++ and more", Exact()),
    ("12 angry men", Exact()),
    ("+49 170 12345", Exact()),
]


@pytest.mark.parametrize(("reference", "grader"), CHOSEN)
def test_the_look_of_the_reference_decides(reference: str, grader: SelfGraded) -> None:
    assert chosen_for(reference) == grader


@given(st.text())
def test_what_needs_no_process_can_be_graded_against_by_its_grader(reference: str) -> None:
    chosen = chosen_for(reference)

    assert isinstance(chosen, Math) or reference_problem(reference, grader=chosen) is None


def test_a_sample_that_says_auto_has_the_grader_that_was_chosen() -> None:
    sent = [
        {"question": "1+1?", "answer": "2", "grader": "auto"},
        {"question": "Which?", "answer": "B", "grader": {"kind": "auto"}},
    ]

    assert [s.grader for s in parse_samples(sent, limits=ImageLimits())] == [Numeric(), Choice()]
