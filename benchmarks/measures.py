"""What a row of the report is: ours beside a named peer, their ratio, and the bound that it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Unit = Literal["ms", "s", "GFLOP/s", "texts/s", "cosine"]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much a row does: `times` pairs of ours and peer, in a bank of `experiences`. Models are in `models_dir`."""

    models_dir: Path
    times: int
    starts: int
    experiences: int
    questions: int
    """Of each client, where several ask at once."""

    @staticmethod
    def full(models_dir: Path) -> Effort:
        return Effort(models_dir, times=60, starts=5, experiences=300, questions=40)

    @staticmethod
    def quick(models_dir: Path) -> Effort:
        return Effort(models_dir, times=9, starts=2, experiences=30, questions=10)


@dataclass(frozen=True, slots=True)
class Measure:
    """`ours` and `peer` are medians in `unit`; `bound` holds for ours / peer: `at_most`, or `at_least`."""

    what: str
    peer_name: str
    ours: float
    peer: float
    unit: Unit
    bound: float
    holds: Literal["at_most", "at_least"] = "at_most"

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def met(self) -> bool:
        match self.holds:
            case "at_most":
                return self.ratio <= self.bound
            case "at_least":
                return self.ratio >= self.bound


class Row(Protocol):
    """One row of the table: a module of that name, with these three."""

    NUMBER: int
    TITLE: str

    def measure(self, effort: Effort) -> list[Measure]:
        """Ours and peer, interleaved in this one run."""
        ...
