"""`ted demo`: the whole way once, on the example bank, with the real local models."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from rich.console import Console

from ted.bank.bank import Bank
from ted.bank.calls import Owner
from ted.bootstrap import Ted, open_ted
from ted.cli import output
from ted.cli.context import progress_bar, pull_shown
from ted.evaluation.flow import Evaluation, evaluate
from ted.ids import new_id
from ted.images import ImageLimits
from ted.jobs.distillation import DistillationRunner, Options, Progress
from ted.ledger import Ledger
from ted.local_models.catalogue import local_model
from ted.profile import COMPACT
from ted.sample import Sample
from ted.sample_files import read_samples
from ted.settings import Budget, read_settings
from ted.student import Student

STUDENT, TEACHER = "local/qwen2.5-coder-0.5b", "local/qwen2.5-coder-1.5b"
WANTED = 0.8
"""The accuracy above which the demo has shown what it is there to show."""


def run_demo(console: Console, folder: Path, rows: Path | None) -> bool:
    """Distils and evaluates in a fresh store; whether the student with the bank is above WANTED."""
    train = read_samples(folder / "train.jsonl", limits=ImageLimits())
    questions = read_samples(folder / "eval.jsonl", limits=ImageLimits())
    settings = read_settings()
    for name in (STUDENT, TEACHER):
        pull_shown(console, local_model(name.removeprefix("local/")), settings.models_dir)
    with tempfile.TemporaryDirectory(prefix="ted-demo-") as data:
        ted = open_ted(read_settings(data_dir=Path(data), student=STUDENT, teacher=TEACHER))
        try:
            bank = ted.create_bank("demo")
            asyncio.run(_distil(console, ted, bank, train))
            evaluation = asyncio.run(_evaluate(console, ted, bank, questions))
            _show(console, bank, evaluation)
        finally:
            ted.close()
    if rows is not None:
        rows.write_text(json.dumps(evaluation.to_json(), ensure_ascii=False, indent=2), encoding="utf-8")
        console.print(f"A row per question is in {rows}.")
    good = evaluation.arms[1].accuracy > WANTED
    if not good:
        console.print(f"[bold red]The student with the bank is not above {WANTED}.[/]")
    return good


async def _distil(console: Console, ted: Ted, bank: Bank, train: list[Sample]) -> None:
    runner = DistillationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
    student, teacher = ted.student(), ted.teacher()
    job = runner.find_or_create(
        train,
        Options("compact"),
        student=student.name,
        teacher=teacher.name,
        budget=Budget(),
        new_run=False,
    )
    with progress_bar(console) as bar:
        task = bar.add_task(f"Distilling {len(train)} tickets", total=len(train))

        def show(p: Progress) -> None:
            bar.update(task, completed=p.counts.completed + p.counts.failed)

        job = await runner.run(job, student=student, teacher=teacher, progress=show)
    output.emit_job(job, "", False)


async def _evaluate(console: Console, ted: Ted, bank: Bank, questions: list[Sample]) -> Evaluation:
    job_id = new_id("job")
    ledger = Ledger(ted.calls, Owner(bank.record.project_id, bank.id, job_id))
    student = Student(ledger.around(ted.student()), COMPACT)
    with progress_bar(console) as bar:
        task = bar.add_task(f"Evaluating {len(questions)} other tickets, twice", total=2 * len(questions))
        return await evaluate(
            questions,
            job_id=job_id,
            arms=("none", "retrieve"),
            bank=bank,
            student=student,
            teacher=student,
            progress=lambda row: bar.advance(task),
        )


def _show(console: Console, bank: Bank, evaluation: Evaluation) -> None:
    console.print(output.evaluation_table(evaluation))
    console.print("Some of the experiences:")
    for experience in bank.experiences()[:5]:
        console.print(f"  - {experience.when_to_use} [bold]{experience.content}[/]")
    console.print(
        "\nGo on with your own: write samples as JSON lines, then\n"
        "  ted bank create mine\n"
        "  ted distill mine train.jsonl --student MODEL --teacher MODEL\n"
        "  ted evaluate mine eval.jsonl --arms none,retrieve,teacher\n"
        "  ted ask mine 'A question'"
    )
