"""The alarm that a bank hurts, in simulation: how often it is false, how soon it is raised, that it can be called off."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from ted.bank.bypassing import ALPHA, RESTART, Graded, evidence_of_harm
from ted.bank.trials import RECOVERY_SHARE


def traffic(
    *, lift: float, answers: int, seed: int, share: float = 0.98, drift: float = 0.0, good_until: int = 0
) -> Graded:
    """Graded answers of which `share` use the bank, which changes P(right) by `lift`, or helps up to an answer.

    `drift`: by how much questions grow harder from the first to the last.
    """
    chance = np.random.default_rng(seed)
    with_bank = (chance.random(answers) < share).astype(float)
    moment = np.arange(answers)
    effect = np.where(moment < good_until, 0.2, lift)
    right = 0.6 + drift * (0.5 - moment / answers) + effect * with_bank
    outcome = (chance.random(answers) < np.clip(right, 0, 1)).astype(float)
    return Graded(with_bank, np.full(answers, share), outcome)


def looks(graded: Graded) -> Iterator[float]:
    """The evidence at each look: whenever an answer of the rarer arm is graded."""
    rarer = graded.with_bank == float(graded.propensity[0] < 0.5)
    for last in np.flatnonzero(rarer):
        yield evidence_of_harm(Graded(*(column[: last + 1] for column in graded)))


def alarmed(graded: Graded) -> bool:
    return any(evidence >= 1 / ALPHA for evidence in looks(graded))


@pytest.mark.parametrize(("lift", "drift"), [(0.0, 0.0), (0.0, 0.4), (0.1, 0.0)])
def test_a_bank_that_does_no_harm_rarely_raises_an_alarm_however_often_one_looks(
    lift: float, drift: float
) -> None:
    false = [alarmed(traffic(lift=lift, drift=drift, answers=2500, seed=n)) for n in range(60)]

    assert sum(false) / len(false) <= ALPHA


def test_a_bank_that_does_harm_is_found_out() -> None:
    found = [alarmed(traffic(lift=-0.3, answers=2500, seed=n)) for n in range(20)]

    assert sum(found) >= 18


def test_a_bank_that_was_good_for_long_is_found_out_when_it_turns_bad() -> None:
    found = [alarmed(traffic(lift=-0.35, answers=5000, good_until=2000, seed=n)) for n in range(6)]

    assert sum(found) >= 5


def test_while_it_is_bypassed_a_bank_that_helps_is_seen_to_and_one_that_harms_is_not() -> None:
    def recovered(lift: float, seed: int) -> bool:
        return alarmed(traffic(lift=lift, answers=1500, share=RECOVERY_SHARE, seed=seed).swapped())

    assert sum(recovered(0.25, seed) for seed in range(20)) >= 18
    assert sum(recovered(-0.2, seed) for seed in range(20)) <= 1


def test_the_stake_is_one_without_answers_and_what_went_before_cannot_be_won_back() -> None:
    assert evidence_of_harm(traffic(lift=0, answers=0, seed=0)) == 1.0

    harm = traffic(lift=-0.4, answers=1200, seed=1)
    assert 1 < evidence_of_harm(harm, before=2 * RESTART) < evidence_of_harm(harm)
