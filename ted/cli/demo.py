"""`ted demo`: the whole way once, on the example bank, with the real local models."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ted.bank.bank import Bank
from ted.bootstrap import Ted, open_ted
from ted.cli import output
from ted.cli.context import exit_on_errors, progress_bar, progress_console, pull_shown
from ted.cli.options import AsJson
from ted.evaluation.options import Options as EvaluationOptions
from ted.evaluation.report import Report
from ted.images import ImageLimits
from ted.jobs.distillation import DistillationRunner, Options, Progress
from ted.jobs.evaluation import EvaluationRunner
from ted.local_models.catalogue import local_model
from ted.profile import COMPACT
from ted.sample import Sample
from ted.sample_files import read_samples
from ted.sample_sets import with_shuffled_answers
from ted.settings import Budget, read_settings

STUDENT, TEACHER = "local/qwen2.5-coder-0.5b", "local/qwen2.5-coder-1.5b"
WANTED = 0.8
"""The accuracy above which the demo has shown what it is there to show."""


@exit_on_errors
def demo(
    folder: Annotated[Path, typer.Option(help="Where train.jsonl and eval.jsonl are.")] = Path(
        "examples/house_codes"
    ),
    shuffled: Annotated[
        bool, typer.Option("--shuffled", help="A control: distil with the answers shuffled.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Distil the example with the two local models and measure what it brings.

    With --json a row per question is printed, too. Exits with 1 where the student with bank is not above 0.8.
    """
    train = read_samples(folder / "train.jsonl", limits=ImageLimits())
    questions = read_samples(folder / "eval.jsonl", limits=ImageLimits())
    if shuffled:
        train = with_shuffled_answers(train, seed=0)
    models_dir = read_settings().models_dir
    progress = progress_console(json)
    for name in (STUDENT, TEACHER):
        pull_shown(progress, local_model(name.removeprefix("local/")), models_dir)
    with tempfile.TemporaryDirectory(prefix="ted-demo-") as data:
        ted = open_ted(read_settings(data_dir=Path(data), student=STUDENT, teacher=TEACHER))
        try:
            bank = ted.create_bank("demo")
            asyncio.run(_distil(progress, ted, bank, train, json))
            evaluation = asyncio.run(_evaluate(progress, ted, bank, questions))
            output.emit(evaluation.to_json(), output.evaluation_table(evaluation), json)
            if not json:
                _explain(bank, evaluation)
        finally:
            ted.close()
    if evaluation.arms[1].accuracy <= WANTED:
        raise typer.Exit(1)


async def _distil(progress: Console, ted: Ted, bank: Bank, train: list[Sample], json: bool) -> None:
    runner = DistillationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
    student, teacher = ted.student(), ted.teacher()
    options = Options("compact")
    job = runner.find_or_create(
        train, options, student=student.name, teacher=teacher.name, budget=Budget(), new_run=False
    )
    with progress_bar(progress) as bar:
        task = bar.add_task(f"Distilling {len(train)} tickets", total=len(train))

        def show(p: Progress) -> None:
            bar.update(task, completed=p.counts.completed + p.counts.failed)

        job = await runner.run(job, student=student, teacher=teacher, progress=show)
    if not json:
        output.emit_job(job, "", json)


async def _evaluate(progress: Console, ted: Ted, bank: Bank, questions: list[Sample]) -> Report:
    runner = EvaluationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
    with progress_bar(progress) as bar:
        task = bar.add_task(f"Evaluating {len(questions)} other tickets, twice", total=2 * len(questions))
        return await runner.evaluate(
            questions,
            EvaluationOptions(profile=COMPACT.name),
            student=ted.student(),
            teacher=ted.teacher(),
            progress=lambda row: bar.advance(task),
        )


def _explain(bank: Bank, evaluation: Report) -> None:
    console = Console()
    console.print("Some of the experiences:")
    for experience in bank.experiences()[:5]:
        console.print(f"  - {experience.when_to_use} [bold]{experience.content}[/]")
    if evaluation.arms[1].accuracy <= WANTED:
        console.print(f"[bold red]The student with the bank is not above {WANTED}.[/]")
    console.print(
        "\nGo on with your own: write samples as JSON lines, then\n"
        "  ted bank create mine\n"
        "  ted distill mine train.jsonl --student MODEL --teacher MODEL\n"
        "  ted evaluate mine eval.jsonl --arms none,retrieve,teacher\n"
        "  ted ask mine 'A question'"
    )
