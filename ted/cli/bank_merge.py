"""`ted bank merge`: another bank's experiences brought into one; `--dry-run` shows what would be done."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from ted.bank.job_values import Job
from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import (
    AsJson,
    BankName,
    BudgetCalls,
    BudgetTokens,
    BudgetUsd,
    ProfileOption,
    TeacherName,
    profile_named,
)
from ted.compression.banks import MergePreview, preview_merge
from ted.jobs.bank_merge import BankMergeRunner
from ted.settings import Budget


@exit_on_errors
def merge(
    bank: BankName,
    source: Annotated[str, typer.Option("--from", help="The other bank's name or id; it stays as it is.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; ask and change nothing.")
    ] = False,
    teacher: TeacherName = None,
    profile: ProfileOption = "full",
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    json: AsJson = False,
) -> None:
    """Copy another bank's active experiences, and unite and merge them with what says the same."""
    name, budget = profile_named(profile), Budget(budget_usd, budget_tokens, budget_calls)
    with opened() as ted:
        here, source_id = ted.bank(bank), ted.banks.find(source)
        if dry_run:
            plan = asyncio.run(preview_merge(here, source_id))
            output.emit(plan.to_json(), _preview(plan), json)
            return
        model = ted.teacher(teacher)
        runner = BankMergeRunner(here, jobs=ted.jobs, calls=ted.calls)
        job = runner.find_or_create(source_id, teacher=model.name, profile=name, budget=budget)
        job = asyncio.run(runner.run(job, teacher=model))
        output.emit(_json(job), _report(job), json)
    if job.status != "succeeded":
        raise typer.Exit(1)


def _json(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in ("id", "status", "reason", "result", "error")}


def _preview(plan: MergePreview) -> str:
    lines = [f"{len(plan.copied)} experiences of bank '{plan.source}' would be copied; nothing was changed."]
    lines += [f"  unite {', '.join(ids)}" for ids in plan.unite]
    lines += [f"  ask the teacher to merge {', '.join(ids)}" for ids in plan.merge]
    lines += [f"  keep both of {a} and {b}: they contradict each other" for a, b in plan.conflicts]
    lines += [f"  retire {plan.over_bound} for the bound, if nothing is merged"] if plan.over_bound else []
    return "\n".join(lines + [f"  beyond the bound: {problem}" for problem in plan.problems])


def _report(job: Job) -> str:
    why = job.reason or job.error
    lines = [f"Merge {job.id}: {job.status}" + (f" ({why})" if why else "")]
    if result := job.result:
        operations = ", ".join(f"{n} {name}" for name, n in result["operations"].items()) or "none"
        lines += [
            f"  copied {result['copied']} of bank '{result['from']}'; then: {operations}",
            f"  experiences now: {result['experiences']}",
        ]
        lines += [f"  kept both of {a} and {b}: they contradict each other" for a, b in result["conflicts"]]
        lines += [f"  beyond the bound: {problem}" for problem in result["problems"]]
    return "\n".join(lines)
