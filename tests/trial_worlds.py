"""Worlds for trials: experiences whose effect is known, questions of unequal difficulty, many runs at once in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ted.bank.trials import LEAST, MOST, NARROW, WIDE
from ted.bank.utility import Side, lifts

Numbers = NDArray[np.float64]
EFFECTS = np.asarray([0.2, 0.15, 0.1, 0.0, 0.0, 0.0, -0.1, -0.15, -0.2])
"""Of the planted experiences: helpful, useless, harmful."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What was measured of each experience in each run, shape (runs, experiences)."""

    mean: Numbers
    low: Numbers
    high: Numbers
    naive: Numbers
    """The share of right answers with it, less that of all answers: what crediting presence would give."""


def live(
    *,
    runs: int,
    questions: int,
    attempts: tuple[int, ...],
    seed: int,
    drift: float = 0.0,
    unfair: bool = False,
) -> Lived:
    """So many questions in each run, each of which retrieves two experiences, of which at most one is withheld.

    The difficulty goes with which experiences are retrieved, and varies among questions; a question's outcome is the
    mean of so many attempts at it, drawn alike. `drift`: by how much questions grow harder from the first to the last.
    `unfair`: the more an experience helps, the harder the questions for which it is retrieved.
    """
    chance = np.random.default_rng(seed)
    count, rows = len(EFFECTS), np.arange(runs)
    ease = np.tile(np.linspace(-0.4, 0.4, count) if unfair else np.linspace(-0.1, 0.1, count), (runs, 1))
    if not unfair:
        ease = chance.permuted(ease, axis=1)
    sums = np.zeros((2, 4, runs, count))  # withheld, shown; as in Side
    naive = np.zeros((3, runs, count))
    total = np.zeros(runs)
    probability = np.full((runs, count), MOST)
    for n in range(questions):
        if n % 5 == 0:
            _, low, high = lifts(Side(*sums[1]), Side(*sums[0]))
            narrowing = np.clip((high - low - NARROW) / (WIDE - NARROW), 0, 1)
            probability = LEAST + (MOST - LEAST) * narrowing
        pair = np.argsort(chance.random((runs, count)), axis=1)[:, :2]
        share = probability[rows[:, None], pair] / 2
        draw = chance.random(runs)
        gone = np.where(draw < share[:, 0], 0, np.where(draw < share.sum(axis=1), 1, -1))
        shown = gone[:, None] != np.arange(2)
        mine = ease[rows[:, None], pair].mean(axis=1)
        asked = 0.5 + mine + chance.uniform(-0.05, 0.05, runs) + drift * (0.5 - n / questions)
        right = np.clip(asked + (EFFECTS[pair] * shown).sum(axis=1), 0, 1)
        times = chance.choice(attempts, runs)
        outcome = chance.binomial(times, right) / times
        total += outcome
        nothing = 1 - share.sum(axis=1)
        for slot in range(2):
            propensity = nothing / (nothing + share[:, slot])
            propensity = np.where(gone == 1 - slot, 1.0, propensity)
            side = shown[:, slot].astype(int)
            weight = np.where(side == 1, 1 - propensity, propensity)
            values = (weight, weight**2, weight * outcome, weight * outcome**2)
            for k, value in enumerate(values):
                np.add.at(sums, (side, k, rows, pair[:, slot]), value)
            np.add.at(naive, (0, rows, pair[:, slot]), shown[:, slot])
            np.add.at(naive, (1, rows, pair[:, slot]), shown[:, slot] * outcome)
    mean, low, high = lifts(Side(*sums[1]), Side(*sums[0]))
    return Lived(mean, low, high, naive[1] / np.maximum(naive[0], 1) - (total / questions)[:, None])
