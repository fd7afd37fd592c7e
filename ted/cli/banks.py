"""`ted bank create|list|show|delete` and `ted experiences`."""

from __future__ import annotations

from typing import Annotated

import typer

from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import AsJson, BankName

banks = typer.Typer(no_args_is_help=True, help="Make, list, show and delete banks.")


@banks.command("create")
@exit_on_errors
def create(name: str, json: AsJson = False) -> None:
    """Make an empty bank for the configured embedders."""
    with opened() as ted:
        record = ted.create_bank(name).record
        output.emit({"id": record.id, "name": record.name}, f"Made bank '{record.name}' ({record.id}).", json)


@banks.command("list")
@exit_on_errors
def list_banks(json: AsJson = False) -> None:
    """All banks."""
    with opened() as ted:
        rows = ted.banks.list()
        output.emit(rows, output.table("Banks", rows), json)


@banks.command("show")
@exit_on_errors
def show(bank: BankName, json: AsJson = False) -> None:
    """One bank."""
    with opened() as ted:
        bank_id = ted.banks.find(bank)
        row = next(row for row in ted.banks.list() if row["id"] == bank_id)
        output.emit(row, output.table("Bank", [row]), json)


@banks.command("delete")
@exit_on_errors
def delete(bank: BankName, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a bank with everything in it."""
    with opened() as ted:
        bank_id = ted.banks.find(bank)
        if not yes:
            typer.confirm(f"Delete bank '{bank}' with everything in it?", abort=True)
        ted.banks.delete(bank_id)
        typer.echo(f"Deleted bank '{bank}'.")


@exit_on_errors
def experiences(bank: BankName, json: AsJson = False) -> None:
    """The active experiences of a bank."""
    with opened() as ted:
        found = ted.bank(bank).experiences()
        unlabelled = ted.bank(bank).unlabelled_among([e.id for e in found])
        rows: list[dict[str, object]] = [
            {
                "id": e.id,
                "version": e.version,
                "when_to_use": e.when_to_use,
                "content": e.content,
                "keys": len(e.keys),
                "unlabelled": e.id in unlabelled,
            }
            for e in found
        ]
        output.emit(rows, output.table("Experiences", rows), json)
