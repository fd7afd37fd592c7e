"""The utility of an experience: the lift of showing it, from trials in which chance decided. Pure; METHOD "Usage".

An exposure says something of utility only where the experience might have been withheld. It counts with its overlap
weight: 1 - e where it was shown, e where it was withheld, e being the probability with which it was shown. So both sides
weigh the same at every e, however e moved over time while questions grew easier or harder, and no weight explodes where
e nears 1 (Li, Morgan and Zaslavsky, JASA 113 (2018) 390-400). What was shown for certain weighs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.90
"""Of every interval."""

PRIOR = 2.0
"""Questions that Beta(1, 1) counts for."""

MOST_INHERITED = 10.0
"""Questions that the evidence of its parents is worth for a merge, at most, of both sides together."""

Numbers = NDArray[np.float64]


class Side(NamedTuple):
    """Sums over the graded exposures of one side, with weight w and outcome y: of w, w*w, w*y and w*y*y.

    Numbers, or arrays of one shape.
    """

    weight: float | Numbers = 0.0
    weight2: float | Numbers = 0.0
    right: float | Numbers = 0.0
    right2: float | Numbers = 0.0


@dataclass(frozen=True, slots=True)
class Utility:
    """P(correct | shown) - P(correct | withheld): posterior mean and interval of CONFIDENCE.

    `mean` is None where a side has no question: then nothing is known, and the interval is all there can be.
    `shown`, `withheld`: how many questions of equal weight the evidence of each side is worth.
    """

    mean: float | None
    low: float
    high: float
    shown: float
    withheld: float

    @property
    def width(self) -> float:
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Inherited:
    """Sums of both sides that a merge has of its parents; they count beside its own."""

    shown: Side
    withheld: Side

    @property
    def questions(self) -> float:
        return questions(self.shown) + questions(self.withheld)

    def to_json(self) -> dict[str, list[float]]:
        return {"shown": [float(s) for s in self.shown], "withheld": [float(s) for s in self.withheld]}

    @staticmethod
    def from_json(kept: dict[str, Any] | None) -> Inherited:
        """The inverse of `to_json`; None is nothing. Raises ValueError for sums that no evidence can have."""
        if kept is None:
            return NOTHING
        sides = [Side(*map(float, kept[name])) for name in ("shown", "withheld")]
        for side in sides:
            if not (0 <= side.right2 <= side.right <= side.weight < 1e9 and 0 <= side.weight2 <= side.weight):
                raise ValueError(f"no evidence has the sums {', '.join(map(str, side))}")
        return Inherited(*sides)


NOTHING = Inherited(Side(), Side())


def inherited_from(parents: Iterable[tuple[Side, Side]]) -> Inherited:
    """The parents' evidence added up, thinned to MOST_INHERITED questions where it is worth more.

    Thinned evidence is that of so many of its questions: its shares stay, its sums shrink alike.
    """
    sides = list(parents)
    shown, withheld = (
        (Side(*(float(sum(sums)) for sums in zip(*side, strict=True))) for side in zip(*sides, strict=True))
        if sides
        else (Side(), Side())
    )
    count = questions(shown) + questions(withheld)
    part = min(1.0, MOST_INHERITED / count) if count else 0.0
    return Inherited(Side(*(part * s for s in shown)), Side(*(part * s for s in withheld)))


UNKNOWN = Utility(None, -1.0, 1.0, 0.0, 0.0)


def utility_from(shown: Side, withheld: Side) -> Utility:
    """The utility that the sums of both sides tell."""
    mean, low, high = lifts(Side(*map(_row, shown)), Side(*map(_row, withheld)))
    counts = questions(shown), questions(withheld)
    if min(counts) == 0:
        return Utility(None, -1.0, 1.0, *counts)
    return Utility(float(mean[0]), float(low[0]), float(high[0]), *counts)


def questions(side: Side) -> float:
    """How many questions of equal weight have the evidence of these weighted ones (Kish)."""
    return float(side.weight) ** 2 / float(side.weight2) if side.weight2 else 0.0


def lifts(shown: Side, withheld: Side) -> tuple[Numbers, Numbers, Numbers]:
    """Mean, lower and upper bound of the lift, for arrays of sums; Beta(1, 1) on each side.

    The interval joins those of the two posteriors as for independent proportions: Newcombe, Statistics in Medicine
    17 (1998) 873-890, method 10, with Beta quantiles in place of Wilson's.
    """
    middle, bottom, top = _posterior(shown)
    other, other_bottom, other_top = _posterior(withheld)
    mean = middle - other
    low = mean - np.hypot(middle - bottom, other_top - other)
    return mean, low, mean + np.hypot(top - middle, other - other_bottom)


def means(shown: Side, withheld: Side) -> Numbers:
    """The means of the lift alone, for arrays of sums: what `lifts` has first, many times as fast."""
    (a, b), (c, d) = _beta(shown), _beta(withheld)
    return np.asarray(a / (a + b) - c / (c + d))


def _posterior(side: Side) -> tuple[Numbers, Numbers, Numbers]:
    """Beta posterior of the share of right answers: mean, and the quantiles of CONFIDENCE."""
    from scipy.special import betaincinv

    (a, b), tail = _beta(side), (1 - CONFIDENCE) / 2
    return a / (a + b), betaincinv(a, b, tail), betaincinv(a, b, 1 - tail)


def _beta(side: Side) -> tuple[Numbers, Numbers]:
    """The parameters of the posterior.

    An outcome that is the mean of several attempts varies less than one that is right or wrong. The questions count
    for as many as would vary as much as theirs do, the prior's share of that being a coin's.
    """
    weight, weight2, right, right2 = (np.asarray(s, dtype=np.float64) for s in side)
    safe = np.where(weight > 0, weight, 1.0)
    count = np.where(weight > 0, weight**2 / np.where(weight2 > 0, weight2, 1.0), 0.0)
    share = np.where(weight > 0, right / safe, 0.5)
    middle = (count * share + PRIOR / 2) / (count + PRIOR)
    coin = middle * (1 - middle)
    varied = np.maximum(right2 / safe - share**2, 0.0)
    tossed = share * (1 - share)  # as varied as outcomes of this share would be that are right or wrong
    ratio = np.minimum((count * varied + PRIOR * coin) / (count * tossed + PRIOR * coin), 1.0)
    worth = count / ratio
    return worth * share + PRIOR / 2, worth * (1 - share) + PRIOR / 2


def _row(value: float | Numbers) -> Numbers:
    return np.asarray([value], dtype=np.float64)
