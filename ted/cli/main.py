"""The `ted` command: which subcommands there are. What each does is a file of its own beside this one."""

from __future__ import annotations

import typer

from ted.cli.ask import ask
from ted.cli.bank_merge import merge
from ted.cli.banks import banks, experiences
from ted.cli.cascade import cascade
from ted.cli.compress import compress
from ted.cli.demo import demo
from ted.cli.distill import distill
from ted.cli.evaluate import evaluate
from ted.cli.feedback import feedback
from ted.cli.jobs import jobs
from ted.cli.keys import keys, projects
from ted.cli.models import models
from ted.cli.quarantine import quarantine
from ted.cli.reembed import reembed
from ted.cli.serve import serve
from ted.cli.stats import stats
from ted.cli.transfer import export, import_
from ted.cli.versions import diff, name_version, rollback, unmerge, versions

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Make a small model answer nearly as well as a large one, without training it.",
)
for of_banks in (versions, name_version, diff, rollback, unmerge, merge, cascade):
    banks.command()(of_banks)
app.add_typer(banks, name="bank")
app.command()(distill)
app.command()(compress)
app.command()(reembed)
app.command()(evaluate)
app.command()(ask)
app.command()(experiences)
app.command()(stats)
app.command()(export)
app.command("import")(import_)
app.command()(serve)
app.add_typer(jobs, name="jobs")
app.add_typer(feedback, name="feedback")
app.add_typer(quarantine, name="quarantine")
app.add_typer(models, name="models")
app.add_typer(keys, name="keys")
app.add_typer(projects, name="projects")
app.command()(demo)

if __name__ == "__main__":
    app()
