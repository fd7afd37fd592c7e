"""Counters and histograms in Prometheus' text format 0.0.4, by hand: what TED needs of it is small.

What is measured is ted/measures' affair.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

Labels = tuple[str, ...]


class Counter:
    """Sums that only grow, one for each tuple of labels. Thread-safe."""

    def __init__(self, name: str, told: str, labels: Sequence[str] = ()) -> None:
        self._name, self._told, self._labels = name, told, tuple(labels)
        self._lock = threading.Lock()
        self._sums: dict[Labels, float] = {}

    def add(self, *labels: str, by: float = 1.0) -> None:
        """More of it; `labels` in the order they were declared."""
        with self._lock:
            self._sums[labels] = self._sums.get(labels, 0.0) + by

    def lines(self) -> Iterator[str]:
        with self._lock:
            sums = sorted(self._sums.items())
        yield from family(self._name, "counter", self._told, self._labels, sums)


class Histogram:
    """How many observations were at most as large as each bound, one for each tuple of labels. Thread-safe."""

    def __init__(self, name: str, told: str, bounds: Sequence[float], labels: Sequence[str] = ()) -> None:
        self._name, self._told, self._labels = name, told, tuple(labels)
        self._bounds = (*bounds, math.inf)
        self._lock = threading.Lock()
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """One more observation; `labels` in the order they were declared."""
        with self._lock:
            counts = self._counts.setdefault(labels, [0] * len(self._bounds))
            counts[bisect_left(self._bounds, value)] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + value

    def lines(self) -> Iterator[str]:
        with self._lock:
            everything = [(labels, list(c), self._sums[labels]) for labels, c in sorted(self._counts.items())]
        yield from _head(self._name, "histogram", self._told)
        for labels, counts, total in everything:
            seen = 0
            for bound, count in zip(self._bounds, counts, strict=True):
                seen += count
                yield _sample(f"{self._name}_bucket", (*self._labels, "le"), (*labels, _number(bound)), seen)
            yield _sample(f"{self._name}_sum", self._labels, labels, total)
            yield _sample(f"{self._name}_count", self._labels, labels, seen)


def gauge(name: str, told: str, labels: Sequence[str], values: Mapping[Labels, float]) -> Iterator[str]:
    """Lines of what stands at these values at this moment."""
    yield from family(name, "gauge", told, labels, sorted(values.items()))


def family(
    name: str, kind: str, told: str, labels: Sequence[str], values: Iterable[tuple[Labels, float]]
) -> Iterator[str]:
    """The lines of one metric."""
    yield from _head(name, kind, told)
    for given, value in values:
        yield _sample(name, labels, given, value)


def _head(name: str, kind: str, told: str) -> tuple[str, str]:
    return f"# HELP {name} {told}", f"# TYPE {name} {kind}"


def _sample(name: str, labels: Sequence[str], given: Labels, value: float) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in zip(labels, given, strict=True))
    return f"{name}{{{pairs}}} {_number(value)}" if pairs else f"{name} {_number(value)}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
