"""Figures from rows, and from nothing else: accuracies, paired differences, what distillation costs and saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from ted.evaluation.arms import settled
from ted.evaluation.rows import Arm, Row

CONFIDENCE = 0.95
RESAMPLES = 9_999
SEED = 20260327
"""Of the bootstrap: the same rows give the same interval."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ArmResult:
    """An arm's figures: accuracy with its 95 % Wilson interval, flips against `none`, sums of tokens, cost, seconds.

    `seconds_median` and `seconds_p95` are of one question. `cost_usd` is None where any of its prices is not known.
    """

    arm: Arm
    questions: int
    correct: int
    accuracy: float
    interval: Interval
    right_flips: int | None
    wrong_flips: int | None
    abstained: int
    prompt_tokens: int
    completion_tokens: int
    tokens: int
    seconds: float
    seconds_median: float
    seconds_p95: float
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm against another one on the same questions: `gained` are right with it and wrong without, `lost` the

    other way; the difference of accuracies with its 95 % percentile-bootstrap interval (None for one question alone),
    and the two-sided p of the exact McNemar test.
    """

    arm: Arm
    against: Arm
    questions: int
    gained: int
    lost: int
    difference: float
    interval: Interval | None
    p_value: float


@dataclass(frozen=True, slots=True)
class BreakEven:
    """From how many requests on the student with its bank was cheaper than the teacher, distillation included.

    `requests` is None where a price is not known or nothing is saved; `why` then says so. The other amounts are what
    distilling cost, and what one question costs, in US dollars.
    """

    requests: int | None
    distillation_usd: float | None
    retrieve_usd: float | None
    teacher_usd: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class CascadePoint:
    """A cascade at one threshold: how right it is, how often the teacher is asked, and what a question costs."""

    threshold: float
    accuracy: float
    escalated: float
    tokens: float
    cost_usd: float | None


def figures(rows: Sequence[Row], arm: Arm) -> ArmResult:
    """The figures of one arm, from the rows of all."""
    mine = [row for row in rows if row.arm == arm]
    correct = sum(row.correct for row in mine)
    against = compared(rows, arm, "none") if arm != "none" else None
    seconds = [row.seconds for row in mine]
    return ArmResult(
        arm=arm,
        questions=len(mine),
        correct=correct,
        accuracy=correct / len(mine),
        interval=wilson(correct, len(mine)),
        right_flips=against.gained if against else None,
        wrong_flips=against.lost if against else None,
        abstained=sum(row.abstained for row in mine),
        prompt_tokens=sum(row.prompt_tokens for row in mine),
        completion_tokens=sum(row.completion_tokens for row in mine),
        tokens=sum(row.prompt_tokens + row.completion_tokens for row in mine),
        seconds=sum(seconds),
        seconds_median=float(np.quantile(seconds, 0.5)),
        seconds_p95=float(np.quantile(seconds, 0.95)),
        cost_usd=total([row.cost_usd for row in mine]),
    )


def wilson(correct: int, questions: int) -> Interval:
    """The 95 % interval of a proportion (Wilson 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(correct, questions).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def compared(rows: Sequence[Row], arm: Arm, against: Arm) -> Comparison | None:
    """The arm against another one, over the questions that both have; None where there is none."""
    before = {row.sample: row.correct for row in rows if row.arm == against}
    pairs = [(before[row.sample], row.correct) for row in rows if row.arm == arm and row.sample in before]
    if not pairs:
        return None
    gained, lost = sum(b and not a for a, b in pairs), sum(a and not b for a, b in pairs)
    differences = [float(b) - float(a) for a, b in pairs]
    return Comparison(
        arm=arm,
        against=against,
        questions=len(pairs),
        gained=gained,
        lost=lost,
        difference=(gained - lost) / len(pairs),
        interval=bootstrapped(differences),
        p_value=mcnemar(gained, lost),
    )


def bootstrapped(differences: Sequence[float]) -> Interval | None:
    """The 95 % percentile-bootstrap interval of the mean of paired differences; None for fewer than two."""
    from scipy.stats import bootstrap

    if len(differences) < 2:
        return None
    found = bootstrap(
        (np.asarray(differences),),
        np.mean,
        n_resamples=RESAMPLES,
        batch=1_000,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided p of the exact test (McNemar 1947) that a flip is as likely either way; 1 where there is no flip."""
    from statsmodels.stats.contingency_tables import mcnemar as exact_test

    if not gained + lost:
        return 1.0
    return float(exact_test([[0, lost], [gained, 0]], exact=True).pvalue)


def comparisons(rows: Sequence[Row], arms: Sequence[Arm]) -> list[Comparison]:
    """Each arm against `none`, and `retrieve` against `demos`, as far as they were run."""
    pairs: list[tuple[Arm, Arm]] = [(arm, "none") for arm in arms if arm != "none"]
    pairs += [("retrieve", "demos")] if "retrieve" in arms and "demos" in arms else []
    found = (compared(rows, arm, against) for arm, against in pairs)
    return [comparison for comparison in found if comparison is not None]


def break_even(rows: Sequence[Row], distillation_usd: float | None) -> BreakEven:
    """From the cost of the arms `retrieve` and `teacher`, and of the bank's distillation (None: not known)."""
    each: dict[str, float | None] = {}
    for arm in ("retrieve", "teacher"):
        mine = [row.cost_usd for row in rows if row.arm == arm]
        spent = total(mine) if mine else None
        each[arm] = None if spent is None else spent / len(mine)
    small, large = each["retrieve"], each["teacher"]
    if missing := [arm for arm in each if not any(row.arm == arm for row in rows)]:
        why = f"the arm '{missing[0]}' was not evaluated"
    elif small is None or large is None:
        why = "the price of a model is not known"
    elif distillation_usd is None:
        why = "what distilling cost is not known"
    elif small >= large:
        why = "a question costs the student with its bank no less than the teacher"
    else:
        requests = ceil(distillation_usd / (large - small))
        return BreakEven(requests, distillation_usd, small, large)
    return BreakEven(None, distillation_usd, small, large, why)


def cascade_curve(rows: Sequence[Row]) -> list[CascadePoint]:
    """At every threshold at which something changes, from 0 (never escalated) to beyond 1 (always)."""
    votes = [row.vote for row in rows if row.vote is not None]
    if not votes:
        return []
    points = []
    for threshold in [0.0, *sorted({vote.agreement for vote in votes})[1:], 1.01]:
        given = [settled(vote, threshold) for vote in votes]
        cost = total([one.cost_usd for one in given])
        points.append(
            CascadePoint(
                threshold,
                sum(one.correct for one in given) / len(given),
                sum(vote.escalated(threshold) for vote in votes) / len(votes),
                sum(one.prompt_tokens + one.completion_tokens for one in given) / len(given),
                None if cost is None else cost / len(given),
            )
        )
    return points


def total(costs: Sequence[float | None]) -> float | None:
    """Their sum; None where any is not known."""
    return None if None in costs else sum(cost for cost in costs if cost is not None)
