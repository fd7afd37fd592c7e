"""Figures of evaluations against closed forms and brute force; they follow from the rows alone."""

from __future__ import annotations

from math import ceil, comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ted.evaluation.rows import Arm, Given, Row, Vote
from ted.evaluation.statistics import (
    bootstrapped,
    break_even,
    cascade_curve,
    compared,
    comparisons,
    figures,
    mcnemar,
)


def row(
    arm: Arm, number: int, *, correct: bool = True, cost: float | None = 0.001, seconds: float = 1.0
) -> Row:
    return Row(arm, f"s{number}", "q", "a", "a", correct, (), False, 10, 2, cost, seconds)


def under(arm: Arm, *outcomes: bool, cost: float | None = 0.001) -> list[Row]:
    return [row(arm, n, correct=outcome, cost=cost) for n, outcome in enumerate(outcomes)]


def binomial_test(gained: int, lost: int) -> float:
    """Twice the smaller tail of Binomial(n, 1/2), at most 1."""
    n, least = gained + lost, min(gained, lost)
    return min(1.0, 2 * sum(comb(n, k) for k in range(least + 1)) / 2**n)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemars_p_is_that_of_the_exact_test(gained: int, lost: int) -> None:
    assert mcnemar(gained, lost) == pytest.approx(binomial_test(gained, lost), abs=1e-12)


@settings(max_examples=8)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_flips_and_difference_are_paired(pairs: list[tuple[bool, bool]]) -> None:
    rows = under("none", *(a for a, _ in pairs)) + under("retrieve", *(b for _, b in pairs))

    found = compared(rows, "retrieve", "none")

    assert found is not None
    assert found.gained == sum(b and not a for a, b in pairs)
    assert found.lost == sum(a and not b for a, b in pairs)
    assert found.difference == pytest.approx(sum(b - a for a, b in pairs) / len(pairs))
    if found.interval is None:
        assert len(pairs) == 1
    else:
        low, high = found.interval
        assert -1 <= low <= found.difference + 1e-9
        assert found.difference - 1e-9 <= high <= 1


def test_only_questions_of_both_arms_are_compared() -> None:
    rows = under("none", True, False) + under("retrieve", True, True, True)

    found = compared(rows, "retrieve", "none")

    assert found is not None
    assert (found.questions, found.gained, found.lost) == (2, 1, 0)


def test_the_bootstrap_is_seeded_and_near_the_normal_interval() -> None:
    differences = [1.0] * 60 + [0.0] * 120 + [-1.0] * 20
    mean, error = 0.2, np.std(differences) / np.sqrt(len(differences))

    first, second = bootstrapped(differences), bootstrapped(differences)

    assert first == second
    assert first == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.015)


def test_each_arm_is_compared_with_none_and_retrieve_with_demos() -> None:
    arms: list[Arm] = ["none", "demos", "retrieve", "teacher"]
    rows = [one for arm in arms for one in under(arm, True, False)]

    assert [(c.arm, c.against) for c in comparisons(rows, arms)] == [
        ("demos", "none"),
        ("retrieve", "none"),
        ("teacher", "none"),
        ("retrieve", "demos"),
    ]


def test_distillation_has_paid_for_itself_after_its_cost_over_what_a_request_saves() -> None:
    rows = under("retrieve", True, True, cost=0.001) + under("teacher", True, True, cost=0.011)

    found = break_even(rows, 2.005)

    assert found.requests == ceil(2.005 / 0.01)
    assert (found.retrieve_usd, found.teacher_usd) == pytest.approx((0.001, 0.011))


@pytest.mark.parametrize(
    ("small", "large", "distilled", "why"),
    [
        (None, 0.01, 1.0, "price of a model"),
        (0.001, None, 1.0, "price of a model"),
        (0.001, 0.01, None, "distilling cost"),
        (0.01, 0.01, 1.0, "no less than the teacher"),
    ],
)
def test_where_a_price_is_unknown_or_nothing_is_saved_there_is_no_break_even(
    small: float | None, large: float | None, distilled: float | None, why: str
) -> None:
    found = break_even(under("retrieve", True, cost=small) + under("teacher", True, cost=large), distilled)

    assert found.requests is None
    assert why in found.why


def test_without_the_teacher_s_arm_there_is_no_break_even() -> None:
    assert "'teacher' was not evaluated" in break_even(under("retrieve", True), 1.0).why


def test_sums_and_quantiles_of_an_arm_are_those_of_its_rows() -> None:
    rows = [row("none", n, seconds=float(n), cost=0.5) for n in range(21)] + under("teacher", True)

    found = figures(rows, "none")

    assert (found.prompt_tokens, found.completion_tokens, found.tokens) == (210, 42, 252)
    assert (found.seconds, found.seconds_median, found.seconds_p95) == (210.0, 10.0, 19.0)
    assert found.cost_usd == pytest.approx(10.5)


def voted(number: int, agreement: float, *, student: bool, teacher: bool) -> Row:
    def answer(correct: bool, cost: float) -> Given:
        return Given("a", correct, 10, 2, cost, 1.0)

    vote = Vote((answer(student, 0.1),) * 3, 0, agreement, answer(teacher, 1.0))
    one = row("cascade", number, correct=student)
    return Row(**{name: getattr(one, name) for name in one.__slots__} | {"vote": vote})


def test_the_curve_of_a_cascade_goes_from_the_student_to_the_teacher() -> None:
    rows = [
        voted(0, 1.0, student=True, teacher=True),
        voted(1, 2 / 3, student=True, teacher=False),
        voted(2, 1 / 3, student=False, teacher=True),
        voted(3, 1 / 3, student=False, teacher=True),
    ]

    curve = cascade_curve(rows)

    assert [round(p.threshold, 2) for p in curve] == [0.0, 0.67, 1.0, 1.01]
    assert [p.escalated for p in curve] == [0.0, 0.5, 0.75, 1.0]
    assert [p.accuracy for p in curve] == [0.5, 1.0, 0.75, 0.75]
    assert [p.cost_usd for p in curve] == pytest.approx([0.3, 0.8, 1.05, 1.3])
