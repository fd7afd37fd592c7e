"""Options and arguments that several commands share; what a command does with them is its own affair."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from ted.answer import Mode
from ted.errors import BadInput
from ted.gate.verdict import GATES, GatePolicy
from ted.profile import PROFILES, ProfileName
from ted.settings import Escalate

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
BankName = Annotated[str, typer.Argument(metavar="BANK", help="A bank's name or id.")]
StudentName = Annotated[str | None, typer.Option(help="A litellm model string, or local/NAME [TED_STUDENT].")]
TeacherName = Annotated[str | None, typer.Option(help="A litellm model string, or local/NAME [TED_TEACHER].")]
ProfileOption = Annotated[str, typer.Option(help="full, as in the paper, or compact, for small teachers.")]
ModeOption = Annotated[
    str,
    typer.Option(
        help="retrieve; all: the whole bank; demos: solved training samples; none: the student alone."
    ),
]
EscalateOption = Annotated[
    str | None,
    typer.Option(
        help="never; on_disagreement: the student answers several times, and the teacher where too few of these agree."
    ),
]
SamplesOption = Annotated[
    int | None, typer.Option(min=2, max=16, help="How often the student answers in a cascade.")
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="The share that must be one answer; 0.67: two of three."),
]
ValidationFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Samples to validate with; none that is trained on.")
]
BudgetUsd = Annotated[float | None, typer.Option(help="Stop before this many US dollars.")]
BudgetTokens = Annotated[int | None, typer.Option(help="Stop before this many tokens.")]
BudgetCalls = Annotated[int | None, typer.Option(help="Stop before this many calls.")]


def mode_named(name: str) -> Mode:
    """The mode of that name. Raises BadInput."""
    for known in get_args(Mode):
        if known == name:
            found: Mode = known
            return found
    raise BadInput(f"--mode is {name!r}: there are {', '.join(get_args(Mode))}")


def escalate_named(name: str) -> Escalate:
    """The setting of that name. Raises BadInput."""
    for known in get_args(Escalate):
        if known == name:
            found: Escalate = known
            return found
    raise BadInput(f"--escalate is {name!r}: there are {', '.join(get_args(Escalate))}")


def gate_named(name: str) -> GatePolicy:
    """The gate of that name. Raises BadInput."""
    for known in GATES:
        if known == name:
            return known
    raise BadInput(f"--gate is {name!r}: there are {', '.join(GATES)}")


def profile_named(name: str) -> ProfileName:
    """The profile of that name. Raises BadInput."""
    for known in PROFILES:
        if known == name:
            return known
    raise BadInput(f"--profile is {name!r}: there are {', '.join(PROFILES)}")
