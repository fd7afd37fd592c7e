"""How useful an experience is, from its usage: the lift with its interval, and what is too bad or too little. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from ted.bank.usage import UsageStats

CONFIDENCE = 0.90
"""Of every interval."""

LEAST_QUESTIONS = 10
"""Graded questions on a side before anything is concluded from it."""

NEAR_ZERO = 0.05
"""A utility up to this does not help."""


@dataclass(frozen=True, slots=True)
class Lift:
    """P(correct | shown) - P(correct | withheld): the posterior mean, and an interval of CONFIDENCE."""

    mean: float
    low: float
    high: float


def lift(usage: UsageStats) -> Lift:
    """The lift with Beta(1, 1) on each side; where a side has no question, its prior alone makes the interval wide.

    The interval joins those of the two posteriors as for independent proportions: Newcombe, Statistics in Medicine
    17 (1998) 873-890, method 10, with Beta quantiles in place of Wilson's.
    """
    shown, shown_low, shown_high = _posterior(usage.shown_correct, usage.shown_wrong)
    withheld, withheld_low, withheld_high = _posterior(usage.withheld_correct, usage.withheld_wrong)
    mean = shown - withheld
    return Lift(
        mean,
        mean - hypot(shown - shown_low, withheld_high - withheld),
        mean + hypot(shown_high - shown, withheld - withheld_low),
    )


def _posterior(right: float, wrong: float) -> tuple[float, float, float]:
    from scipy.special import betaincinv

    a, b, tail = right + 1, wrong + 1, (1 - CONFIDENCE) / 2
    return a / (a + b), float(betaincinv(a, b, tail)), float(betaincinv(a, b, 1 - tail))


def is_harmful(usage: UsageStats) -> bool:
    """Whether the whole interval is below 0, with LEAST_QUESTIONS graded on each side."""
    enough = min(_shown(usage), usage.withheld_correct + usage.withheld_wrong) >= LEAST_QUESTIONS
    return enough and lift(usage).high < 0


def is_unhelpful(usage: UsageStats) -> bool:
    """Whether it was shown often, and its utility is near or below 0."""
    return _shown(usage) >= LEAST_QUESTIONS and usage.utility <= NEAR_ZERO


def _shown(usage: UsageStats) -> float:
    return usage.shown_correct + usage.shown_wrong
