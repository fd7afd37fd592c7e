"""What is too harmful and what is of too little use, from an experience's usage. Pure."""

from __future__ import annotations

from ted.bank.usage import UsageStats

LEAST_QUESTIONS = 10
"""Graded questions on a side before anything is concluded from it."""

NEAR_ZERO = 0.05
"""A utility up to this does not help."""


def is_harmful(usage: UsageStats) -> bool:
    """Whether the whole interval of utility is below 0, with LEAST_QUESTIONS on each side."""
    utility = usage.utility
    return min(utility.shown, utility.withheld) >= LEAST_QUESTIONS and utility.high < 0


def is_unhelpful(usage: UsageStats) -> bool:
    """Whether it was shown often, and its utility is near or below 0, or, while that is not known, more answers
    went wrong with it than right: reason to look at the failures, not to remove it."""
    graded = usage.shown_correct + usage.shown_wrong
    if graded < LEAST_QUESTIONS:
        return False
    known = usage.utility.mean
    return usage.shown_correct < usage.shown_wrong if known is None else known <= NEAR_ZERO
