"""`ted evaluate`: samples under several arms, compared; the figures are ted/evaluation's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ted.cli import output
from ted.cli.context import exit_on_errors, opened, progress_bar, progress_console, samples_in
from ted.cli.options import AsJson, BankName, ProfileOption, StudentName, TeacherName, profile_named
from ted.errors import BadInput
from ted.evaluation.options import Options
from ted.evaluation.rendering import as_html, as_markdown
from ted.evaluation.rows import ARMS, Arm
from ted.grading.grading import needs_judge
from ted.jobs.evaluation import EvaluationRunner


@exit_on_errors
def evaluate(
    bank: BankName,
    samples: Annotated[Path, typer.Argument(metavar="EVAL.jsonl")],
    student: StudentName = None,
    teacher: TeacherName = None,
    arms: Annotated[str, typer.Option(help=f"Of {', '.join(ARMS)}.")] = "none,retrieve",
    profile: ProfileOption = "full",
    irrelevant_bank: Annotated[
        str | None, typer.Option(help="The bank of another domain of the arm irrelevant.")
    ] = None,
    demos: Annotated[
        int | None, typer.Option(min=1, max=50, help="Training samples shown in demos [the bank's k].")
    ] = None,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Take training samples, too, and mark the report.")
    ] = False,
    markdown: Annotated[Path | None, typer.Option(help="Write the report as Markdown, too.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML page, too.")] = None,
    json: AsJson = False,
) -> None:
    """Answer samples under several arms and compare."""
    chosen, form = arms_named(arms), profile_named(profile)
    questions = samples_in(samples, labelled=True)
    for file in (markdown, html):
        _check_writable(file)
    with opened() as ted, progress_bar(progress_console(json)) as bar:
        task = bar.add_task("Evaluating", total=len(questions) * len(chosen))
        other = ted.bank(irrelevant_bank) if irrelevant_bank else None
        options = Options(tuple(chosen), form, other.id if other else None, demos, allow_overlap)
        runner = EvaluationRunner(ted.bank(bank), jobs=ted.jobs, material=ted.material, calls=ted.calls)
        report = asyncio.run(
            runner.evaluate(
                questions,
                options,
                student=ted.student(student),
                teacher=ted.teacher(teacher),
                judge=ted.judge() if needs_judge(questions) else None,
                irrelevant=other,
                progress=lambda row: bar.advance(task),
            )
        )
    for file, render in ((markdown, as_markdown), (html, as_html)):
        if file is not None:
            file.write_text(render(report), encoding="utf-8")
    output.emit(report.to_json(), output.evaluation_table(report), json)


def _check_writable(file: Path | None) -> None:
    """Raises BadInput before anything is asked: a report nobody can write would be paid for in vain."""
    if file is not None and (file.is_dir() or not file.parent.is_dir()):
        raise BadInput(f"'{file}' cannot be written: name a file in a folder that is there")


def arms_named(names: str) -> list[Arm]:
    """The arms of a comma-separated list, each once. Raises BadInput."""
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",")))
    chosen = [arm for name in wanted for arm in ARMS if arm == name]
    if len(chosen) != len(wanted):
        raise BadInput(f"--arms is {names!r}: give a comma-separated list of {', '.join(ARMS)}")
    return chosen
