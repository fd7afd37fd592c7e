"""Whether several answers to one question are one answer, as its grader would see it; no model is asked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ted.grading.auto import chosen_for
from ted.grading.exact import grade_exact
from ted.grading.grade import grade
from ted.sample import Choice, Grader, Json, Math, Numeric

ROUNDING = 0.005
"""Of a threshold that people write with two digits."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The answer most often given (the first of those given equally often), where it was given, and its share of all."""

    final_answer: str
    positions: tuple[int, ...]
    share: float

    @property
    def position(self) -> int:
        """Where it was given first."""
        return self.positions[0]

    @staticmethod
    def of(answers: Sequence[str], groups: Collection[Sequence[int]]) -> Agreement:
        """From the positions of answers that are one, in groups by their first."""
        largest = max(groups, key=len)
        return Agreement(answers[largest[0]], tuple(largest), len(largest) / len(answers))


def falls_short(share: float, *, threshold: float) -> bool:
    """Whether less of the answers agree than the threshold wants; 0.67 is as good as two of three."""
    return share < threshold - ROUNDING


def same_answer(one: str, other: str, *, grader: Grader | None) -> bool:
    """One number, option, JSON or mathematical value, or one text. None: what the answers look like decides.

    Graders that compare with a pattern, or ask a model, leave the text.
    """
    match grader or chosen_for(other):
        case Numeric() | Choice() | Json() | Math() as fitting:
            return grade_exact(one, reference=other).correct or (
                grade(one, reference=other, grader=fitting).correct
            )
        case _:
            return grade_exact(one, reference=other).correct


def agreement_of(answers: Sequence[str], *, grader: Grader | None = None) -> Agreement:
    """Among the answers, of which there is at least one; each joins the first group whose first answer is the same."""
    groups: list[list[int]] = []
    for position, answer in enumerate(answers):
        fitting = (g for g in groups if same_answer(answer, answers[g[0]], grader=grader))
        if (group := next(fitting, None)) is not None:
            group.append(position)
        else:
            groups.append([position])
    return Agreement.of(answers, groups)
