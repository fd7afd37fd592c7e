"""`ted bank cascade`: when the teacher answers in the student's place, shown or changed."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from ted.cascading import no_teacher
from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import AsJson, BankName, EscalateOption, SamplesOption, ThresholdOption, escalate_named
from ted.settings import CascadeSettings


@exit_on_errors
def cascade(
    bank: BankName,
    escalate: EscalateOption = None,
    samples: SamplesOption = None,
    threshold: ThresholdOption = None,
    harvest: Annotated[
        bool | None,
        typer.Option(
            "--harvest/--no-harvest",
            help="Let what the teacher answered become samples (distill --from-feedback).",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Show a bank's cascade, or change what is given of it."""
    wanted = changes(escalate, samples, threshold) | ({} if harvest is None else {"harvest": harvest})
    with opened() as ted:
        bank_id = ted.banks.find(bank)
        if wanted.get("escalate") == "on_disagreement" and not ted.has_teacher:
            raise no_teacher()
        if wanted:
            ted.banks.change(bank_id, lambda s: replace(s, cascade=replace(s.cascade, **wanted)))
        row = asdict(ted.banks.settings(bank_id).cascade)
        output.emit(row, output.table("Cascade", [row]), json)


def changes(escalate: str | None, samples: int | None, threshold: float | None) -> dict[str, Any]:
    """What was given of a cascade's settings. Raises BadInput, BadSetting."""
    named = None if escalate is None else escalate_named(escalate)
    given: dict[str, Any] = {"escalate": named, "samples": samples, "threshold": threshold}
    wanted = {name: value for name, value in given.items() if value is not None}
    CascadeSettings(**wanted)
    return wanted
