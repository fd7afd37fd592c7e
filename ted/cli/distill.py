"""`ted distill`: samples, or what was answered wrong, into a bank; the same command goes on where it stopped."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ted.bank.bank import Bank
from ted.bank.job_control import JobControl
from ted.bank.job_values import Job
from ted.bootstrap import Ted
from ted.cli import output
from ted.cli.context import exit_on_errors, opened, progress_bar, progress_console, samples_in
from ted.cli.options import (
    AsJson,
    BankName,
    BudgetCalls,
    BudgetTokens,
    BudgetUsd,
    ProfileOption,
    StudentName,
    TeacherName,
    ValidationFile,
    gate_named,
    profile_named,
)
from ted.errors import BadInput
from ted.grading.grading import needs_judge
from ted.jobs.distillation import DistillationRunner, Options, Progress
from ted.jobs.from_feedback import begin, unfinished
from ted.settings import Budget


@exit_on_errors
def distill(
    bank: BankName,
    train: Annotated[Path | None, typer.Argument(metavar="TRAIN.jsonl")] = None,
    from_feedback: Annotated[
        bool,
        typer.Option(
            "--from-feedback",
            help="Instead of a file: questions answered wrong, with accepted references, and those harvested from a "
            "cascade; each is taken once. Exit code 3: there is none.",
        ),
    ] = False,
    student: StudentName = None,
    teacher: TeacherName = None,
    trajectories: Annotated[int | None, typer.Option(min=1, max=64, help="Attempts of the student.")] = None,
    epochs: Annotated[int, typer.Option(min=1, max=100)] = 1,
    batch_size: Annotated[int, typer.Option(min=1, max=1000)] = 8,
    compress_every: Annotated[
        int, typer.Option(min=0, help="Compress after so many batches; 0: only where the bank is over-full.")
    ] = 4,
    gate: Annotated[
        str, typer.Option(help="What a new experience must pass: none, sample or neighbours.")
    ] = "none",
    solves: Annotated[
        int | None,
        typer.Option(min=0, max=8, help="Tries of the teacher at a sample [the profile's]; 0: none."),
    ] = None,
    validation: ValidationFile = None,
    profile: ProfileOption = "full",
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    new_run: Annotated[bool, typer.Option("--new-run", help="Run again what has run.")] = False,
    json: AsJson = False,
) -> None:
    """Distil samples into a bank. The same command goes on where it stopped."""
    if (train is None) != from_feedback:
        raise BadInput("give a file of samples, or --from-feedback, and not both")
    if from_feedback and validation is not None:
        raise BadInput("--validation goes with a file of samples only: leave it out with --from-feedback")
    samples = samples_in(train) if train else []
    held_out = samples_in(validation, labelled=True) if validation else []
    options = Options(
        profile_named(profile), trajectories, epochs, batch_size, compress_every, gate_named(gate), solves
    )
    budget = Budget(budget_usd, budget_tokens, budget_calls)
    with opened() as ted:
        opened_bank = ted.bank(bank)
        small, large = ted.student(student), ted.teacher(teacher)
        runner = DistillationRunner(opened_bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
        judge = ted.judge() if needs_judge((*samples, *held_out)) else None
        if from_feedback:
            job = _from_feedback(ted, opened_bank, options, small.name, large.name, budget)
        else:
            job = runner.find_or_create(
                samples,
                options,
                student=small.name,
                teacher=large.name,
                judge=judge.name if judge else None,
                budget=budget,
                new_run=new_run,
                validation=held_out,
            )
            if job.status in ("succeeded", "failed") and ted.material.accepted_since(job.id):
                job = JobControl(ted.database, ted.caller).retry(job.id)
        if job.status in ("succeeded", "failed"):
            output.emit_job(job, "This distillation has run already; --new-run runs it again.", json)
            return
        with progress_bar(progress_console(json)) as bar:
            task = bar.add_task("Distilling", total=ted.jobs.counts(job.id).total)

            def show(p: Progress) -> None:
                done = p.counts.completed + p.counts.failed + p.counts.quarantined
                bar.update(task, completed=done, description=f"Distilling (${p.spent.cost_usd:.4f})")

            job = asyncio.run(runner.run(job, student=small, teacher=large, judge=judge, progress=show))
        output.emit_job(job, "", json)
    if job.status != "succeeded":
        raise typer.Exit(1)


def _from_feedback(ted: Ted, bank: Bank, options: Options, student: str, teacher: str, budget: Budget) -> Job:
    """The job that was begun so and has not ended, with this budget, or a new one. Raises NothingToDistil."""
    job = unfinished(ted.jobs, bank, options, student=student, teacher=teacher)
    if job is not None:
        ted.jobs.set_budget(job.id, asdict(budget))
        return ted.jobs.get(job.id)
    found = ted.feedback.to_distil(bank.id)
    return begin(ted.jobs, bank, found, options, student=student, teacher=teacher, budget=budget)
