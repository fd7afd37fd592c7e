"""Measures as lines of a terminal, and as a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from benchmarks.measures import Measure, Row

_SIGNS = {"at_most": "<=", "at_least": ">="}


def line(measure: Measure) -> str:
    """For the terminal."""
    ours, peer, ratio, bound, met = _cells(measure)
    return (
        f"  {measure.what}: {ours} ours, {peer} by {measure.peer_name}; ratio {ratio} (hold {bound}): {met}"
    )


def page(
    measured: Sequence[tuple[Row, Sequence[Measure]]], *, facts: Sequence[str], load: str, effort: str
) -> str:
    """docs/benchmarks.md."""
    rows = [
        f"| {row.NUMBER} | {row.TITLE}: {measure.what} | {measure.peer_name} | {' | '.join(_cells(measure))} |"
        for row, measures in measured
        for measure in measures
    ]
    lines = [
        "# Benchmarks",
        "",
        "Ours beside a named peer, done in turn in one run, as medians. Trust the ratios: times are those of one machine.",
        f"Written by `{effort}`; run it to have those of yours. Where the load tells of other work on the machine, what",
        "goes through several processes (rows 7 and 10) looks slower than it is.",
        "",
        "| # | what | peer | ours | peer | ratio | hold | |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
        f"Measured on {date.today().isoformat()}, load before and after: {load}.",
        "",
        *(f"- {fact}" for fact in facts),
        "",
    ]
    return "\n".join(lines)


def _cells(measure: Measure) -> tuple[str, str, str, str, str]:
    unit = measure.unit
    if unit == "cosine":
        return (f"{measure.ours:.7f}", "1", f"{measure.ratio:.5f}", f">= {measure.bound:g}", _met(measure))
    return (
        f"{measure.ours:.3g} {unit}",
        f"{measure.peer:.3g} {unit}",
        f"{measure.ratio:.2f}",
        f"{_SIGNS[measure.holds]} {measure.bound:g}",
        _met(measure),
    )


def _met(measure: Measure) -> str:
    return "met" if measure.met else "not met"
