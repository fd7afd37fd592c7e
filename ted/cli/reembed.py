"""`ted reembed`: a bank brought to the configured embedders; `--dry-run` counts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from ted.bank.job_values import Job
from ted.bank.reembedding import ReembeddingPlan
from ted.bank.stored import StoredBank
from ted.bootstrap import Ted
from ted.cli import output
from ted.cli.context import exit_on_errors, opened, progress_bar, progress_console
from ted.cli.options import AsJson, BankName
from ted.jobs.reembedding import ReembeddingRunner, reembedding_runner


@exit_on_errors
def reembed(
    bank: BankName,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be embedded; change nothing.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Embed a bank anew by the configured embedders [TED_TEXT_EMBEDDER, TED_IMAGE_EMBEDDER], which it has then."""
    with opened() as ted:
        runner = reembedding_runner(ted, StoredBank(ted.banks.find(bank), database=ted.database))
        plan = runner.preview()
        if dry_run:
            output.emit(plan.to_json(), _preview(plan), json)
            return
        job = asyncio.run(_run(ted, runner, plan, json))
        output.emit(_job_json(job), _report(job), json)
    if job.status != "succeeded":
        raise typer.Exit(1)


async def _run(ted: Ted, runner: ReembeddingRunner, plan: ReembeddingPlan, json: bool) -> Job:
    job = runner.unfinished() or runner.create()
    with progress_bar(progress_console(json)) as bar:
        task = bar.add_task("Embedding keys", total=plan.keys)

        def show(running: Job) -> None:
            counts = ted.jobs.counts(running.id)
            bar.update(task, completed=counts.completed, total=counts.total)

        return await runner.run(job, progress=show)


def _preview(plan: ReembeddingPlan) -> str:
    return "\n".join(
        [
            f"{plan.keys} keys to embed: {plan.texts} texts, {plan.captions} captions, {plan.images} images; "
            "nothing was changed.",
            f"  text:  {plan.made_with.text} -> {plan.target.text}",
            f"  image: {plan.made_with.image or 'none'} -> {plan.target.image or 'none'}",
        ]
    )


def _job_json(job: Job) -> dict[str, Any]:
    names = ("id", "status", "reason", "result", "error")
    return {name: getattr(job, name) for name in names}


def _report(job: Job) -> str:
    why = f" ({job.reason or job.error})" if job.reason or job.error else ""
    lines = [f"Re-embedding {job.id}: {job.status}{why}"]
    if job.result:
        lines.append(
            f"  {job.result['keys']} keys embedded; the bank is at revision {job.result['revision']}"
        )
    return "\n".join(lines)
