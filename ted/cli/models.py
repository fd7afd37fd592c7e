"""`ted models list|pull`: the local models there are, and their files."""

from __future__ import annotations

import typer
from rich.console import Console

from ted.cli import output
from ted.cli.context import exit_on_errors, pull_shown
from ted.cli.options import AsJson
from ted.local_models.catalogue import CATALOGUE, local_model
from ted.local_models.pull import pulled
from ted.settings import read_settings

models = typer.Typer(no_args_is_help=True, help="Local models: list and pull.")


@models.command("list")
@exit_on_errors
def list_models(json: AsJson = False) -> None:
    """The local models there are, and whether their files are here."""
    folder = read_settings().models_dir
    rows: list[dict[str, object]] = [
        {
            "name": f"local/{model.name}",
            "megabytes": model.size // 1_000_000,
            "licence": model.licence,
            "here": pulled(model, models_dir=folder) is not None,
        }
        for model in CATALOGUE.values()
    ]
    output.emit(rows, output.table("Local models", rows), json)


@models.command("pull")
@exit_on_errors
def pull(names: list[str]) -> None:
    """Download models, checked by size and sha256."""
    folder, console = read_settings().models_dir, Console()
    for name in names:
        model = local_model(name.removeprefix("local/"))
        pull_shown(console, model, folder)
        console.print(f"{model.name} is here and checked.")
