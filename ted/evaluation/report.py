"""The report of an evaluation, as values: figures, what went wrong with the bank, and every row they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ted.evaluation.rows import Arm, Row
from ted.evaluation.statistics import (
    ArmResult,
    BreakEven,
    CascadePoint,
    Comparison,
    break_even,
    cascade_curve,
    comparisons,
    figures,
)


@dataclass(frozen=True, slots=True)
class About:
    """What was evaluated. `overlap`: samples that the bank was distilled from, where that was allowed."""

    job: str
    status: str
    bank: str
    bank_name: str
    student: str
    teacher: str
    judge: str | None
    profile: str
    irrelevant_bank: str | None
    overlap: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownExperience:
    """An experience as it was shown."""

    id: str
    version: int
    when_to_use: str
    content: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Regression:
    """A question that is right under `none` and wrong under an arm, with what that arm showed."""

    arm: Arm
    sample: str
    question: str
    reference: str
    answer_without: str
    answer_with: str
    reason: str
    experiences: tuple[ShownExperience, ...]
    demonstrations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Figures are over the questions that were answered under every arm; `failures` are the others, `rows` are all."""

    about: About
    arms: tuple[ArmResult, ...]
    comparisons: tuple[Comparison, ...]
    regressions: tuple[Regression, ...]
    break_even: BreakEven
    cascade: tuple[CascadePoint, ...]
    failures: tuple[dict[str, Any], ...]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON; `questions` are the rows."""
        return {
            "object": "evaluation.report",
            "about": asdict(self.about),
            "arms": [asdict(arm) for arm in self.arms],
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "regressions": [asdict(regression) for regression in self.regressions],
            "break_even": asdict(self.break_even),
            "cascade": [asdict(point) for point in self.cascade],
            "failures": list(self.failures),
            "questions": [row.to_json() for row in self.rows],
        }


def paired(rows: Sequence[Row], arms: Sequence[Arm]) -> list[Row]:
    """The rows of the questions that were answered under every arm."""
    asked = {(row.arm, row.sample) for row in rows}
    return [row for row in rows if all((arm, row.sample) in asked for arm in arms)]


def regressed(rows: Sequence[Row], arm: Arm) -> list[tuple[Row, Row]]:
    """(without, with) of the questions that are right under `none` and wrong under the arm."""
    alone = {row.sample: row for row in rows if row.arm == "none" and row.correct}
    return [
        (alone[row.sample], row) for row in rows if row.arm == arm and not row.correct and row.sample in alone
    ]


def reported(
    about: About,
    arms: Sequence[Arm],
    rows: Sequence[Row],
    *,
    distillation_usd: float | None,
    regressions: Sequence[Regression],
    failures: Sequence[dict[str, Any]],
) -> Report:
    """The report that follows from these rows."""
    counted = paired(rows, arms)
    return Report(
        about=about,
        arms=tuple(figures(counted, arm) for arm in arms) if counted else (),
        comparisons=tuple(comparisons(counted, arms)),
        regressions=tuple(regressions),
        break_even=break_even(counted, distillation_usd),
        cascade=tuple(cascade_curve(counted)),
        failures=tuple(failures),
        rows=tuple(rows),
    )
