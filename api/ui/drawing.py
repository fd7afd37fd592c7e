"""What stands where in the dashboard's drawings, in pixels; the templates draw it as SVG, the style sheet colours it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ted.bank.days import Day
from ted.bank.maps import Point
from ted.bank.statistics import Bucket, Growth

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 60, 12, 14, 32
SIDE = 640
"""Of the map, which is square."""

RADIUS = 5.5
MARGIN = 16
WHISKER_WIDTH = 220


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    told: str


@dataclass(frozen=True, slots=True)
class Whisker:
    """An estimate between the ends of its interval, and where zero is."""

    low: float
    at: float
    high: float
    zero: float
    kind: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line over revisions, and the area beneath it, as SVG paths; ticks of both axes; where the bound is, if in sight."""

    line: str
    area: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    limit: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: what was found stands on the ground, what was not on top of that."""

    x: float
    width: float
    found_y: float
    found: float
    nothing_y: float
    nothing: float
    told: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Days side by side."""

    bars: tuple[Bar, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """An experience on the map."""

    id: str
    x: float
    y: float
    kind: str
    told: str


def whisker(at: float, low: float, high: float) -> Whisker:
    """Of a difference of shares, from -1 to 1."""
    return Whisker(_along(low), _along(at), _along(high), _along(0.0), kind_of(low, high))


def _along(value: float) -> float:
    return round(4 + (min(max(value, -1.0), 1.0) + 1) / 2 * (WHISKER_WIDTH - 8), 1)


def kind_of(low: float, high: float) -> str:
    """`good` or `bad` where the interval is on one side of zero, else `open`."""
    if low > 0:
        return "good"
    return "bad" if high < 0 else "open"


def shade(utility: float | None) -> str:
    """The class that colours a utility: from `bad-2` over `even` to `good-2`; `unknown` where nothing is known."""
    if utility is None:
        return "unknown"
    for least, name in ((0.3, "good-2"), (0.05, "good-1"), (-0.05, "even"), (-0.3, "bad-1")):
        if utility >= least:
            return name
    return "bad-2"


def growth(found: Sequence[Growth], *, capacity: int) -> Line:
    """Active experiences by revision, as steps; the capacity is within the picture where it is near."""
    most = _round_up(max((g.active for g in found), default=1))
    if most < capacity <= 2 * most:
        most = _round_up(capacity)
    first, last = found[0].revision, max(found[-1].revision, found[0].revision + 1)

    def x(revision: float) -> float:
        return round(LEFT + (revision - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    steps = [f"M{x(found[0].revision)},{_up(found[0].active, most)}"]
    steps += [f"H{x(g.revision)}V{_up(g.active, most)}" for g in found[1:]]
    steps.append(f"H{x(last)}")
    ground = _up(0, most)
    area = f"{''.join(steps)}V{ground}H{x(first)}Z"
    numbers = sorted({first, found[len(found) // 2].revision, last})
    across = tuple(Tick(x(n), f"{n}") for n in numbers)
    limit = _up(capacity, most) if capacity <= most else None
    return Line("".join(steps), area, across, _ticks(most), limit)


def days(found: Sequence[Day]) -> Bars:
    """One bar a day that had questions, in the order of days, each with its date."""
    most = _round_up(max((d.questions for d in found), default=1))
    room = (WIDTH - LEFT - RIGHT) / max(len(found), 8)
    bars = []
    for n, d in enumerate(found):
        found_y, top = _up(d.hits, most), _up(d.questions, most)
        x = round(LEFT + n * room + room * 0.12, 1)
        bars.append(
            Bar(
                x,
                round(room * 0.76, 1),
                found_y,
                round(_up(0, most) - found_y, 1),
                top,
                round(found_y - top, 1),
                f"{d.day.isoformat()}: {d.questions} questions, {d.hits} with experiences, {d.abstained} without",
            )
        )
    numbers = sorted({0, len(found) // 2, len(found) - 1}) if len(found) > 2 else range(len(found))
    across = tuple(
        Tick(round(bars[n].x + bars[n].width / 2, 1), found[n].day.strftime("%d %b")) for n in numbers
    )
    return Bars(tuple(bars), across, _ticks(most))


def histogram(found: Sequence[Bucket]) -> list[dict[str, Any]]:
    """Bars of the utility distribution, as wide as their buckets."""
    most = max((b.count for b in found), default=0) or 1
    width = (WIDTH - 2 * MARGIN) / len(found)
    return [
        {
            "x": round(MARGIN + n * width + 2, 1),
            "y": round(104 - 84 * b.count / most, 1),
            "width": round(width - 4, 1),
            "height": round(84 * b.count / most, 1),
            "kind": shade((b.low + b.high) / 2),
            "count": b.count,
            "low": b.low,
            "high": b.high,
        }
        for n, b in enumerate(found)
    ]


def spots(points: Sequence[Point]) -> list[Spot]:
    """Those whose utility is known on top of the others."""
    reach = SIDE / 2 - MARGIN
    ordered = sorted(points, key=lambda p: p.utility is not None)
    return [
        Spot(
            p.id,
            round(SIDE / 2 + p.x * reach, 1),
            round(SIDE / 2 - p.y * reach, 1),
            shade(p.utility),
            p.when_to_use[:160] + (f" (utility {p.utility:+.2f})" if p.utility is not None else ""),
        )
        for p in ordered
    ]


def share(part: float, whole: float, width: float) -> float:
    """The width of a part of a bar; never beyond it."""
    return round(min(part / whole, 1.0) * width, 1) if whole else 0.0


def _up(value: float, most: float) -> float:
    return round(TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM), 1)


def _ticks(most: int) -> tuple[Tick, ...]:
    return tuple(Tick(_up(value, most), f"{value:,}") for value in sorted({0, most // 2, most}))


def _round_up(value: float) -> int:
    """To an even number that is easily read."""
    size = 1
    while True:
        for step in (2, 4, 6, 8, 10, 12, 16):
            if value <= step * size:
                return step * size
        size *= 10
