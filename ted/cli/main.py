"""The `ted` command and its subcommands; what they print is ted/cli/output's affair."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ted.answering import answer
from ted.bank.calls import Owner
from ted.cli import output
from ted.cli.context import exit_on_errors, opened, progress_bar, pull_shown
from ted.errors import BadInput
from ted.evaluation.flow import ARMS, Arm, evaluate
from ted.ids import new_id
from ted.images import ImageLimits, from_path
from ted.jobs.distillation import DistillationRunner, Options, Progress
from ted.ledger import Ledger
from ted.local_models.catalogue import CATALOGUE, local_model
from ted.local_models.pull import pulled
from ted.profile import PROFILES, ProfileName
from ted.sample import Question
from ted.sample_files import read_samples
from ted.settings import Budget, read_settings
from ted.student import Student

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Make a small model answer nearly as well as a large one, without training it.",
)
banks = typer.Typer(no_args_is_help=True, help="Make, list, show and delete banks.")
models = typer.Typer(no_args_is_help=True, help="Local models: list and pull.")
app.add_typer(banks, name="bank")
app.add_typer(models, name="models")

console = Console()

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
BankName = Annotated[str, typer.Argument(metavar="BANK", help="A bank's name or id.")]
StudentName = Annotated[str | None, typer.Option(help="A litellm model string, or local/NAME [TED_STUDENT].")]
TeacherName = Annotated[str | None, typer.Option(help="A litellm model string, or local/NAME [TED_TEACHER].")]
ProfileOption = Annotated[str, typer.Option(help="full, as in the paper, or compact, for small teachers.")]


def profile_named(name: str) -> ProfileName:
    """The profile of that name. Raises BadInput."""
    for known in PROFILES:
        if known == name:
            return known
    raise BadInput(f"there is no profile {name!r}: there are {', '.join(PROFILES)}")


@banks.command("create")
@exit_on_errors
def bank_create(name: str, json: AsJson = False) -> None:
    """Make an empty bank for the configured embedders."""
    with opened() as ted:
        record = ted.create_bank(name).record
        output.emit({"id": record.id, "name": record.name}, f"Made bank '{record.name}' ({record.id}).", json)


@banks.command("list")
@exit_on_errors
def bank_list(json: AsJson = False) -> None:
    """All banks."""
    with opened() as ted:
        rows = ted.banks.list()
        output.emit(rows, output.table("Banks", rows), json)


@banks.command("show")
@exit_on_errors
def bank_show(bank: BankName, json: AsJson = False) -> None:
    """One bank."""
    with opened() as ted:
        bank_id = ted.banks.find(bank)
        rows = [row for row in ted.banks.list() if row["id"] == bank_id]
        output.emit(rows[0], output.table("Bank", rows), json)


@banks.command("delete")
@exit_on_errors
def bank_delete(
    bank: BankName, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete a bank with everything in it."""
    with opened() as ted:
        bank_id = ted.banks.find(bank)
        if not yes:
            typer.confirm(f"Delete bank '{bank}' with everything in it?", abort=True)
        ted.banks.delete(bank_id)
        console.print(f"Deleted bank '{bank}'.")


@models.command("list")
@exit_on_errors
def models_list(json: AsJson = False) -> None:
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
def models_pull(names: list[str]) -> None:
    """Download models, checked by size and sha256."""
    folder = read_settings().models_dir
    for name in names:
        model = local_model(name.removeprefix("local/"))
        pull_shown(console, model, folder)
        console.print(f"{model.name} is here and checked.")


@app.command()
@exit_on_errors
def distill(
    bank: BankName,
    train: Annotated[Path, typer.Argument(metavar="TRAIN.jsonl")],
    student: StudentName = None,
    teacher: TeacherName = None,
    trajectories: Annotated[int | None, typer.Option(min=1, max=64, help="Attempts of the student.")] = None,
    epochs: Annotated[int, typer.Option(min=1, max=100)] = 1,
    batch_size: Annotated[int, typer.Option(min=1, max=1000)] = 8,
    profile: ProfileOption = "full",
    budget_usd: Annotated[float | None, typer.Option(help="Stop before this many US dollars.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(help="Stop before this many tokens.")] = None,
    budget_calls: Annotated[int | None, typer.Option(help="Stop before this many calls.")] = None,
    new_run: Annotated[bool, typer.Option("--new-run", help="Run again what has run.")] = False,
    json: AsJson = False,
) -> None:
    """Distil samples into a bank. The same command goes on where it stopped."""
    samples = read_samples(train, limits=ImageLimits())
    options = Options(profile_named(profile), trajectories, epochs, batch_size)
    budget = Budget(budget_usd, budget_tokens, budget_calls)
    with opened() as ted:
        opened_bank = ted.bank(bank)
        small, large = ted.student(student), ted.teacher(teacher)
        runner = DistillationRunner(opened_bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
        job = runner.find_or_create(
            samples, options, student=small.name, teacher=large.name, budget=budget, new_run=new_run
        )
        if job.status in ("succeeded", "failed"):
            output.emit_job(job, "This distillation has run already; --new-run runs it again.", json)
            return
        with progress_bar(console, show=not json) as bar:
            task = bar.add_task("Distilling", total=len(samples) * epochs)

            def show(p: Progress) -> None:
                done = p.counts.completed + p.counts.failed
                bar.update(task, completed=done, description=f"Distilling (${p.spent.cost_usd:.4f})")

            job = asyncio.run(runner.run(job, student=small, teacher=large, progress=show))
        output.emit_job(job, "", json)
    if job.status != "succeeded":
        raise typer.Exit(1)


@app.command("evaluate")
@exit_on_errors
def evaluate_command(
    bank: BankName,
    samples: Annotated[Path, typer.Argument(metavar="EVAL.jsonl")],
    student: StudentName = None,
    teacher: TeacherName = None,
    arms: Annotated[str, typer.Option(help="Of none, retrieve, teacher.")] = "none,retrieve",
    profile: ProfileOption = "full",
    json: AsJson = False,
) -> None:
    """Answer samples under several arms and compare."""
    chosen = arms_named(arms)
    questions = read_samples(samples, limits=ImageLimits())
    form = PROFILES[profile_named(profile)]
    with opened() as ted:
        opened_bank = ted.bank(bank)
        job_id = new_id("job")
        ledger = Ledger(ted.calls, Owner(opened_bank.record.project_id, opened_bank.id, job_id))
        with progress_bar(console, show=not json) as bar:
            task = bar.add_task("Evaluating", total=len(questions) * len(chosen))
            evaluation = asyncio.run(
                evaluate(
                    questions,
                    job_id=job_id,
                    arms=chosen,
                    bank=opened_bank,
                    student=Student(ledger.around(ted.student(student)), form),
                    teacher=Student(ledger.around(ted.teacher(teacher)), form),
                    progress=lambda row: bar.advance(task),
                )
            )
        output.emit(evaluation.to_json(), output.evaluation_table(evaluation), json)


def arms_named(names: str) -> list[Arm]:
    """The arms of a comma-separated list. Raises BadInput."""
    chosen = [arm for name in names.split(",") for arm in ARMS if arm == name.strip()]
    if len(chosen) != len(names.split(",")):
        raise BadInput(f"--arms is {names!r}: give a comma-separated list of {', '.join(ARMS)}")
    return chosen


@app.command()
@exit_on_errors
def ask(
    bank: BankName,
    question: str,
    image: Annotated[list[Path] | None, typer.Option(help="An image of the question.")] = None,
    student: StudentName = None,
    profile: ProfileOption = "full",
    json: AsJson = False,
) -> None:
    """Ask the student, with what the bank has for the question."""
    pictures = tuple(from_path(path, limits=ImageLimits()) for path in image or [])
    with opened() as ted:
        opened_bank = ted.bank(bank)
        model = Student(ted.student(student), PROFILES[profile_named(profile)])
        given = asyncio.run(
            answer(Question(question, pictures), bank=opened_bank, student=model, answers=ted.answers)
        )
        output.emit(output.answer_json(given), output.answer_text(given), json)


@app.command()
@exit_on_errors
def experiences(bank: BankName, json: AsJson = False) -> None:
    """The active experiences of a bank."""
    with opened() as ted:
        rows: list[dict[str, object]] = [
            {
                "id": e.id,
                "version": e.version,
                "when_to_use": e.when_to_use,
                "content": e.content,
                "keys": len(e.keys),
            }
            for e in ted.bank(bank).experiences()
        ]
        output.emit(rows, output.table("Experiences", rows), json)


@app.command()
@exit_on_errors
def demo(
    folder: Annotated[Path, typer.Option(help="Where train.jsonl and eval.jsonl are.")] = Path(
        "examples/house_codes"
    ),
    rows: Annotated[Path | None, typer.Option("--json", help="Keep a row per question in this file.")] = None,
) -> None:
    """Distil the example with the two local models and measure what it brings."""
    from ted.cli.demo import run_demo

    if not run_demo(console, folder, rows):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
