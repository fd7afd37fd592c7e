"""What stands where in the dashboard's drawings, and the words that a history marks as changed."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ui import drawing
from api.ui.wording import changed
from ted.bank.days import Day
from ted.bank.maps import Point
from ted.bank.statistics import Bucket, Growth

STATIC = Path(drawing.__file__).parent / "static"
ADR = Path(__file__).parents[2] / "docs" / "adr" / "0029-the-dashboard-is-pages-of-the-service.md"


def grown(*active: int) -> list[Growth]:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return [Growth(n, count, "batch", None, moment) for n, count in enumerate(active, 1)]


@pytest.mark.parametrize(
    ("interval", "kind"), [((0.2, 0.1, 0.3), "good"), ((0.2, -0.1, 0.5), "open"), ((-0.2, -0.3, -0.1), "bad")]
)
def test_a_whisker_is_in_order_and_tells_on_which_side_of_zero_it_is(
    interval: tuple[float, float, float], kind: str
) -> None:
    found = drawing.whisker(*interval)

    assert found.low < found.at < found.high
    assert (found.zero, found.kind) == (drawing.WHISKER_WIDTH / 2, kind)
    assert drawing.whisker(0.0, -9.0, 9.0).low >= 0


def test_growth_is_drawn_as_steps_under_its_capacity() -> None:
    line = drawing.growth(grown(10, 40, 30), capacity=50)

    assert line.line.count("H") == 3
    heights = [float(y) for y in re.findall(r"[,V]([\d.]+)", line.line)]
    assert heights[1] < heights[2] < heights[0]  # the top is 0
    assert line.limit is not None
    assert line.limit < min(heights)
    assert drawing.growth(grown(10), capacity=5_000).limit is None


def test_a_day_is_as_high_as_its_questions() -> None:
    bars = drawing.days([Day(date(2026, 3, 1), 8, 6, 2), Day(date(2026, 3, 2), 4, 0, 4)])

    one, two = bars.bars
    assert one.found == pytest.approx(3 * one.nothing, abs=0.3)
    assert (two.found, two.nothing) == (0, pytest.approx((one.found + one.nothing) / 2, abs=0.2))
    assert one.x + one.width < two.x
    assert one.told == "2026-03-01: 8 questions, 6 with experiences, 2 without"


def test_a_histogram_of_nothing_is_flat() -> None:
    assert [bar["height"] for bar in drawing.histogram([Bucket(-1, 0, 0), Bucket(0, 1, 0)])] == [0, 0]


def test_a_map_is_within_its_square_and_known_utilities_are_on_top() -> None:
    points = [Point("a", "A", 1, -1, 0.5), Point("b", "B" * 500, -1, 1, None)]

    unknown, known = drawing.spots(points)

    assert (unknown.id, unknown.kind, known.kind) == ("b", "unknown", "good-2")
    assert all(0 < v < drawing.SIDE for s in (unknown, known) for v in (s.x, s.y))
    assert known.y > unknown.y  # down is negative
    assert (known.told, len(unknown.told)) == ("A (utility +0.50)", 160)


def test_a_part_of_a_bar_is_never_beyond_it() -> None:
    assert [drawing.share(*a, 160) for a in ((0, 0), (1, 2), (3, 2))] == [0.0, 80.0, 160.0]


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_marked_in_a_history_are_both_texts(before: str, after: str) -> None:
    pieces = changed(before, after)

    assert "".join(p.text for p in pieces if p.kind != "in") == "".join(
        re.findall(r"\s+|\w+|[^\w\s]", before)
    )
    assert "".join(p.text for p in pieces if p.kind != "out") == "".join(
        re.findall(r"\s+|\w+|[^\w\s]", after)
    )
    assert before != after or all(p.kind == "same" for p in pieces)


def test_htmx_is_the_file_that_was_recorded() -> None:
    digest = hashlib.sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest()

    assert digest in ADR.read_text()
    assert "Zero-Clause BSD" in (STATIC / "htmx.LICENSE.txt").read_text()
