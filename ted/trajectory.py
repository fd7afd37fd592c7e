"""Trajectory, Solution and Critique: what the student and the teacher produce for one sample, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ted.operations import Operation

ErrorType = Literal["perception", "knowledge", "reasoning", "format"]
Verdict = Literal["helpful", "harmful", "neutral"]


@dataclass(frozen=True, slots=True)
class Chain:
    """A structured chain: Premises -> Steps -> Conclusion. All empty in the short form (answer only)."""

    premises: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    conclusion: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a model wrote for a question: its chain, its final answer, and the labels it says it used (E1, E2)."""

    chain: Chain
    final_answer: str
    used: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grade:
    """Right or wrong against the reference, and why where that is not plain."""

    correct: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One attempt of the student, graded. `attempt` is None where its text did not parse."""

    number: int
    text: str
    attempt: Attempt | None
    grade: Grade


@dataclass(frozen=True, slots=True)
class Solution:
    """The teacher's own. `rationalised`: it was wrong twice and then explained the reference it was shown.

    `unparsable` tells of each of its tries that could not be read.
    """

    attempt: Attempt
    correct: bool
    rationalised: bool = False
    unparsable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one trajectory: the first step that went wrong, and the kind of error."""

    trajectory: int
    first_wrong_step: str
    error_type: ErrorType


@dataclass(frozen=True, slots=True)
class Critique:
    """The teacher's comparison: findings by trajectory, a verdict by shown label, and the operations it proposes."""

    findings: tuple[Finding, ...]
    verdicts: dict[str, Verdict]
    operations: tuple[Operation, ...]
