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
from ted.evaluation.flow import ARMS, Arm
from ted.jobs.evaluation import EvaluationRunner


@exit_on_errors
def evaluate(
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
    questions = samples_in(samples)
    form = profile_named(profile)
    with opened() as ted, progress_bar(progress_console(json)) as bar:
        task = bar.add_task("Evaluating", total=len(questions) * len(chosen))
        runner = EvaluationRunner(ted.bank(bank), jobs=ted.jobs, material=ted.material, calls=ted.calls)
        evaluation = asyncio.run(
            runner.evaluate(
                questions,
                chosen,
                student=ted.student(student),
                teacher=ted.teacher(teacher),
                profile=form,
                progress=lambda row: bar.advance(task),
            )
        )
    output.emit(evaluation.to_json(), output.evaluation_table(evaluation), json)


def arms_named(names: str) -> list[Arm]:
    """The arms of a comma-separated list, each once. Raises BadInput."""
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",")))
    chosen = [arm for name in wanted for arm in ARMS if arm == name]
    if len(chosen) != len(wanted):
        raise BadInput(f"--arms is {names!r}: give a comma-separated list of {', '.join(ARMS)}")
    return chosen
