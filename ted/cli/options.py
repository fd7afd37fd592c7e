"""Options and arguments that several commands share; what a command does with them is its own affair."""

from __future__ import annotations

from typing import Annotated

import typer

from ted.errors import BadInput
from ted.gate.verdict import GATES, GatePolicy
from ted.profile import PROFILES, ProfileName

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
BankName = Annotated[str, typer.Argument(metavar="BANK", help="A bank's name or id.")]
StudentName = Annotated[str | None, typer.Option(help="A litellm model string, or local/NAME [TED_STUDENT].")]
TeacherName = Annotated[str | None, typer.Option(help="A litellm model string, or local/NAME [TED_TEACHER].")]
ProfileOption = Annotated[str, typer.Option(help="full, as in the paper, or compact, for small teachers.")]
BudgetUsd = Annotated[float | None, typer.Option(help="Stop before this many US dollars.")]
BudgetTokens = Annotated[int | None, typer.Option(help="Stop before this many tokens.")]
BudgetCalls = Annotated[int | None, typer.Option(help="Stop before this many calls.")]


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
