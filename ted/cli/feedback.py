"""`ted feedback give|list|accept|reject`: whether answers were right, and the review of what they should have been."""

from __future__ import annotations

from typing import Annotated

import typer

from ted.bank.feedback import Feedback, KeptFeedback
from ted.bank.pages import Page
from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import AsJson, BankName
from ted.errors import BadInput

feedback = typer.Typer(
    no_args_is_help=True, help="Say whether answers were right; accept or reject references."
)

AnswerId = Annotated[str, typer.Argument(metavar="ANSWER", help="An answer's id.")]


@feedback.command("give")
@exit_on_errors
def give(
    answer: AnswerId,
    correct: Annotated[bool | None, typer.Option("--correct/--wrong", help="Right or wrong.")] = None,
    score: Annotated[float | None, typer.Option(help="Or from 0 (wrong) to 1 (right).")] = None,
    reference: Annotated[str | None, typer.Option(help="What the answer should have been.")] = None,
    comment: Annotated[str | None, typer.Option()] = None,
    json: AsJson = False,
) -> None:
    """Grade an answer; said again, it replaces what was said before."""
    if correct is not None and score is None:
        score = float(correct)
    elif score is None or correct is not None:
        raise BadInput("say one of --correct, --wrong and --score")
    if reference is not None and not reference.strip():
        raise BadInput("--reference is blank: write what the answer should have been, or leave it out")
    with opened() as ted:
        _emit(ted.feedback.give(Feedback(answer, score, reference, comment)), json)


@feedback.command("list")
@exit_on_errors
def list_feedback(
    bank: BankName,
    reviewed: Annotated[
        bool | None, typer.Option("--reviewed/--unreviewed", help="Only references that were, or wait.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    json: AsJson = False,
) -> None:
    """The feedback on a bank's newest answers, newest first."""
    with opened() as ted:
        found = ted.feedback.of_bank(ted.banks.find(bank), Page(limit, order="desc"), reviewed=reviewed)
        rows = [_row(kept) for kept in found.data]
        output.emit(rows, output.table("Feedback", rows), json)


@feedback.command("accept")
@exit_on_errors
def accept(bank: BankName, answer: AnswerId, json: AsJson = False) -> None:
    """Let a reference be learned from."""
    with opened() as ted:
        _emit(ted.feedback.review(ted.banks.find(bank), answer, accepted=True), json)


@feedback.command("reject")
@exit_on_errors
def reject(bank: BankName, answer: AnswerId, json: AsJson = False) -> None:
    """Let a reference not be learned from."""
    with opened() as ted:
        _emit(ted.feedback.review(ted.banks.find(bank), answer, accepted=False), json)


def _row(kept: KeptFeedback) -> dict[str, object]:
    said = kept.feedback
    return {
        "answer": said.answer_id,
        "score": said.outcome,
        "reference": said.reference,
        "accepted": kept.accepted,
        "comment": said.comment,
    }


def _emit(kept: KeptFeedback, json: bool) -> None:
    row = _row(kept)
    output.emit(row, output.table("Feedback", [row]), json)
