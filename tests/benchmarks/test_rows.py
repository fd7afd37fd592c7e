"""The benchmarks run, however little they do here; how fast anything is decides no test."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.all_rows import ROWS
from benchmarks.measures import Effort, Measure, Row
from benchmarks.timing import interleaved


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row-{row.NUMBER}")
def test_a_row_measures_ours_and_a_peer(row: Row, models_dir: Path) -> None:
    measures = row.measure(Effort(models_dir, times=1, starts=1, experiences=2, questions=1))

    assert measures
    assert all(measure.ours > 0 and measure.peer > 0 for measure in measures)
    assert all(measure.what in report.line(measure) for measure in measures)


def test_the_page_tells_what_is_met_and_what_is_not() -> None:
    slow = Measure("one text", "a peer", ours=20.0, peer=25.0, unit="ms", bound=0.5)
    quick = Measure("a batch", "a peer", ours=50.0, peer=60.0, unit="GFLOP/s", bound=0.7, holds="at_least")

    page = report.page([(ROWS[0], [slow, quick])], facts=["2 cores"], load="0.1, 0.2", effort="make bench")

    assert (
        "| 1 | One question embedded: one text | a peer | 20 ms | 25 ms | 0.80 | <= 0.5 | not met |" in page
    )
    assert "| 50 GFLOP/s | 60 GFLOP/s | 0.83 | >= 0.7 | met |" in page
    assert "- 2 cores" in page


def test_ours_and_the_peer_take_turns_after_one_time_that_does_not_count() -> None:
    done: list[str] = []

    interleaved(lambda turn: done.append(f"ours {turn}"), lambda turn: done.append(f"peer {turn}"), times=2)

    assert done == ["ours 0", "peer 0", "ours 1", "peer 1", "peer 2", "ours 2"]
