"""Plots of a report as values: what stands where, in pixels. The templates draw them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ted.evaluation.rows import Arm
from ted.evaluation.statistics import ArmResult, CascadePoint, Comparison

LEFT, RIGHT, TOP, ROW = 110, 60, 14, 34
WIDTH, PLANE = 640, 300


@dataclass(frozen=True, slots=True)
class Whisker:
    """An arm's accuracy as a dot between the ends of its interval."""

    arm: Arm
    y: float
    x: float
    low: float
    high: float
    told: str


@dataclass(frozen=True, slots=True)
class FlipBar:
    """Questions that an arm gained (to the right) and lost (to the left), as widths from the middle."""

    arm: Arm
    y: float
    gained: int
    lost: int
    gained_width: float
    lost_width: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A point in a plane, with what it says and the side on which that stands."""

    x: float
    y: float
    told: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    told: str


@dataclass(frozen=True, slots=True)
class Plane:
    """Dots over an axis from 0 to the greatest value, the other axis from 0 to 1."""

    dots: tuple[Dot, ...]
    ticks: tuple[Tick, ...]


def whiskers(arms: Sequence[ArmResult]) -> list[Whisker]:
    """One an arm, top down."""
    return [
        Whisker(
            arm.arm,
            TOP + ROW * (n + 0.5),
            across(arm.accuracy),
            across(arm.interval[0]),
            across(arm.interval[1]),
            f"{arm.accuracy:.3f}",
        )
        for n, arm in enumerate(arms)
    ]


def across(share: float) -> float:
    """Where a share from 0 to 1 stands."""
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def flips(comparisons: Sequence[Comparison]) -> list[FlipBar]:
    """One an arm that is compared with `none`; the widest bar fills its half."""
    shown = [c for c in comparisons if c.against == "none"]
    most = max((max(c.gained, c.lost) for c in shown), default=0) or 1
    half = (WIDTH - LEFT - RIGHT) / 2 - 24
    return [
        FlipBar(
            c.arm,
            TOP + ROW * (n + 0.5),
            c.gained,
            c.lost,
            round(half * c.gained / most, 1),
            round(half * c.lost / most, 1),
        )
        for n, c in enumerate(shown)
    ]


def tokens_plane(arms: Sequence[ArmResult]) -> Plane:
    """Accuracy over the prompt tokens of a question."""
    return _plane([(arm.prompt_tokens / arm.questions, arm.accuracy, arm.arm) for arm in arms], "{:,.0f}")


def cascade_plane(points: Sequence[CascadePoint]) -> Plane:
    """Accuracy of a cascade over what a question costs, one dot a threshold; over tokens where a price is not known."""
    if any(point.cost_usd is None for point in points):
        return _plane([(p.tokens, p.accuracy, _at(p)) for p in points], "{:,.0f}")
    return _plane([(p.cost_usd or 0.0, p.accuracy, _at(p)) for p in points], "${:.5f}")


def _at(point: CascadePoint) -> str:
    return "always" if point.threshold > 1 else f"< {point.threshold:.2f}"


def _plane(points: Sequence[tuple[float, float, str]], form: str) -> Plane:
    most = max((x for x, _, _ in points), default=0.0) or 1.0
    dots = []
    for x, y, told in points:
        place = round(60 + 0.95 * x / most * (WIDTH - 60 - RIGHT), 1)
        anchor = "end" if place > WIDTH * 0.7 else "start"
        dots.append(Dot(place, round(TOP + (1 - y) * (PLANE - TOP - 40), 1), told, anchor))
    ticks = [
        Tick(round(60 + 0.95 * share * (WIDTH - 60 - RIGHT), 1), form.format(share * most))
        for share in (0, 0.5, 1)
    ]
    return Plane(tuple(dots), tuple(ticks))


def up(share: float) -> float:
    """Where a share from 0 to 1 stands in a plane."""
    return round(TOP + (1 - share) * (PLANE - TOP - 40), 1)
