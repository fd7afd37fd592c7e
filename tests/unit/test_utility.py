"""Utility against worlds in which the effect of every experience is known."""

from __future__ import annotations

import numpy as np
import pytest

from ted.bank.trials import LEAST, MOST, withholding
from ted.bank.utility import UNKNOWN, Side, utility_from
from tests.trial_worlds import EFFECTS, live


@pytest.mark.parametrize("attempts", [(1,), (5,), (1, 5)])
def test_the_interval_of_90_percent_holds_the_planted_effect_about_so_often(
    attempts: tuple[int, ...],
) -> None:
    lived = live(runs=150, questions=400, attempts=attempts, seed=1)

    held = (lived.low <= EFFECTS) & (lived.high >= EFFECTS)

    assert 0.85 <= held.mean() <= 0.95
    assert held.mean(axis=0).min() >= 0.80  # of no experience much less often


def test_the_interval_holds_while_questions_grow_harder_and_withholding_rarer() -> None:
    lived = live(runs=150, questions=400, attempts=(1, 5), seed=2, drift=0.3)

    held = (lived.low <= EFFECTS) & (lived.high >= EFFECTS)

    assert 0.85 <= held.mean() <= 0.95
    assert np.abs((lived.mean - EFFECTS).mean(axis=0)).max() < 0.03


def test_helpful_useless_and_harmful_are_told_apart_though_the_helpful_meet_the_hard_questions() -> None:
    lived = live(runs=40, questions=1500, attempts=(5,), seed=3, unfair=True)

    ranked = [np.corrcoef(EFFECTS, row)[0, 1] for row in lived.mean]
    credited = [np.corrcoef(EFFECTS, row)[0, 1] for row in lived.naive]

    assert np.mean(ranked) > 0.9
    assert np.mean(ranked) > np.mean(credited) + 0.3
    helpful, harmful = EFFECTS >= 0.15, EFFECTS <= -0.15
    assert (lived.mean[:, helpful].min(axis=1) > lived.mean[:, harmful].max(axis=1)).mean() > 0.95
    assert (lived.high[:, harmful] < 0).mean() > 0.75
    assert (lived.high[:, helpful] < 0).mean() < 0.01


def test_without_a_withheld_question_nothing_is_known() -> None:
    assert utility_from(Side(), Side()) == UNKNOWN

    one_sided = utility_from(Side(10.0, 5.0, 10.0, 10.0), Side())

    assert (one_sided.mean, one_sided.low, one_sided.high) == (None, -1.0, 1.0)
    assert (one_sided.shown, one_sided.withheld) == (20.0, 0.0)


def test_withholding_falls_from_a_half_to_a_twentieth_as_the_interval_narrows() -> None:
    assert withholding(UNKNOWN.width) == MOST == 0.5
    assert withholding(0.1) == pytest.approx(LEAST) == 0.05
    assert LEAST < withholding(0.4) < MOST
