"""`ted export` and `ted import`: a whole bank to a file, and back. What is in the file is docs/bank-file.md's affair."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ted.bank.embedding import Embedders
from ted.bank.exporting import export_lines
from ted.bank.importing import OnConflict, import_bank
from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import AsJson, BankName
from ted.errors import BadInput, BadSetting

ON_CONFLICT: tuple[OnConflict, ...] = ("refuse", "replace", "copy")


@exit_on_errors
def export(
    bank: BankName, file: Annotated[Path, typer.Argument(help="Where to; `-`: standard output.")]
) -> None:
    """Write a bank with its history, statistics, vectors and images to a file."""
    with opened() as ted, ted.database.reading() as session:
        lines = export_lines(session, ted.banks.find(bank))
        if str(file) == "-":
            for line in lines:
                typer.get_binary_stream("stdout").write(line)
            return
        try:
            # Under another name first, so that no half of a bank ever stands under the one that was given.
            with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as partial:
                try:
                    partial.writelines(lines)
                    partial.close()
                    os.replace(partial.name, file)
                except BaseException:
                    Path(partial.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise BadInput(f"'{file}' cannot be written: {error}") from error
    Console(stderr=True).print(f"Wrote bank '{bank}' to {file}.", highlight=False)


@exit_on_errors
def import_(
    file: Annotated[Path, typer.Argument(help="What `ted export` wrote.")],
    name: Annotated[str | None, typer.Option("--as", help="Another name for the bank.")] = None,
    on_conflict: Annotated[
        str, typer.Option(help="refuse, replace the bank of that name, or copy under ids of its own.")
    ] = "refuse",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    json: AsJson = False,
) -> None:
    """Make a bank from a file; all of it, or nothing."""
    with opened() as ted:
        try:
            with file.open("rb") as lines:
                done = import_bank(
                    lines,
                    database=ted.database,
                    caller=ted.caller,
                    embedders=Embedders(ted.text_embedder, ted.image_embedder),
                    name=name,
                    on_conflict=_known(on_conflict),
                    dry_run=dry_run,
                )
        except OSError as error:
            raise BadInput(f"'{file}' cannot be read: {error}") from error
        verb = "Would import" if dry_run else "Imported"
        told = (
            f"{verb} bank '{done.name}': {done.experiences} experiences, {done.keys} keys "
            f"({done.embedded} embedded anew), {done.images} images, {done.exposures} exposures."
        )
        output.emit(done.to_json() | {"dry_run": dry_run}, told, json)


def _known(on_conflict: str) -> OnConflict:
    for known in ON_CONFLICT:
        if known == on_conflict:
            return known
    raise BadSetting(f"--on-conflict is {on_conflict!r}: there are {', '.join(ON_CONFLICT)}")
