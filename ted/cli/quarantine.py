"""`ted quarantine list|accept|reject`: what is held back of a bank, and its review."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, get_args

import typer

from ted.bank.pages import Page
from ted.bank.quarantine import Held, HeldKind, review
from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import AsJson, BankName
from ted.errors import BadInput

quarantine = typer.Typer(
    no_args_is_help=True, help="Review samples and experiences that give the model orders, or seem to."
)

HeldId = Annotated[str, typer.Argument(metavar="ID", help="The id of what is held back.")]


@quarantine.command("list")
@exit_on_errors
def list_held(
    bank: BankName,
    kind: Annotated[str | None, typer.Option(help="Only experience or sample.")] = None,
    reviewed: Annotated[bool, typer.Option("--reviewed", help="What was reviewed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    json: AsJson = False,
) -> None:
    """What waits for a review, with the passage that tells."""
    with opened() as ted:
        page = Page(limit)
        found = ted.quarantine.of_bank(ted.banks.find(bank), page, kind=_kind(kind), reviewed=reviewed)
        rows = [_row(held) for held in found.data]
        output.emit([_whole(held) for held in found.data], output.table("Quarantine", rows), json)


@quarantine.command("accept")
@exit_on_errors
def accept(bank: BankName, held: HeldId, json: AsJson = False) -> None:
    """Let an experience be served, or a sample be worked on by the next run."""
    _review(bank, held, accepted=True, json=json)


@quarantine.command("reject")
@exit_on_errors
def reject(bank: BankName, held: HeldId, json: AsJson = False) -> None:
    """Keep it, and never use it."""
    _review(bank, held, accepted=False, json=json)


def _review(bank: str, held_id: str, *, accepted: bool, json: bool) -> None:
    with opened() as ted:
        held = asyncio.run(review(ted.bank(bank), ted.quarantine, held_id, accepted=accepted, by="command"))
        output.emit(_whole(held), output.table("Quarantine", [_row(held)]), json)


def _kind(name: str | None) -> HeldKind | None:
    for known in get_args(HeldKind):
        if known == name:
            found: HeldKind = known
            return found
    if name is not None:
        raise BadInput(f"--kind is {name!r}: there are {', '.join(get_args(HeldKind))}")
    return None


def _row(held: Held) -> dict[str, object]:
    row = {"id": held.id, "reason": held.reason, "field": held.field, "passage": held.passage}
    return row | {"accepted": held.accepted, "instead_of": ", ".join(held.instead_of)}


def _whole(held: Held) -> dict[str, Any]:
    more = {"kind": held.kind, "texts": dict(held.texts), "job": held.job, "sample": held.sample}
    return (
        _row(held) | more | {"instead_of": list(held.instead_of), "created_at": held.created_at.isoformat()}
    )
