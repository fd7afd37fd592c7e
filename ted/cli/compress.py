"""`ted compress`: a bank made smaller and more useful; `--dry-run` shows the plan."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from ted.bank.job_values import Job
from ted.cli import output
from ted.cli.context import exit_on_errors, opened, samples_in
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
    profile_named,
)
from ted.grading.grading import needs_judge
from ted.jobs.compression import TOLERANCE, CompressionRunner, Validation
from ted.profile import PROFILES
from ted.settings import Budget
from ted.teacher import Teacher

SHOWN = 10


@exit_on_errors
def compress(
    bank: BankName,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan; ask and change nothing.")
    ] = False,
    validation: ValidationFile = None,
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="By how much the share of right answers may fall.")
    ] = TOLERANCE,
    student: StudentName = None,
    teacher: TeacherName = None,
    profile: ProfileOption = "full",
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
    budget_calls: BudgetCalls = None,
    json: AsJson = False,
) -> None:
    """Merge near-duplicates, retire what harms, rewrite what does not help, and hold the bank's bound.

    With --validation, all but the bound is undone where answers get worse.
    """
    samples = samples_in(validation) if validation else []
    name = profile_named(profile)
    budget = Budget(budget_usd, budget_tokens, budget_calls)
    with opened() as ted:
        model = ted.teacher(teacher)
        runner = CompressionRunner(ted.bank(bank), jobs=ted.jobs, calls=ted.calls)
        if dry_run:
            plan = asyncio.run(runner.preview(teacher=Teacher(model, PROFILES[name]))).to_json()
            output.emit(plan, _preview(plan), json)
            return
        small = ted.student(student) if samples else None
        judge = ted.judge() if needs_judge(samples) else None
        check = None
        if small is not None:
            check = Validation(tuple(samples), small.name, judge.name if judge else None, tolerance)
        job = runner.find_or_create(teacher=model.name, profile=name, budget=budget, validation=check)
        job = asyncio.run(runner.run(job, teacher=model, student=small, judge=judge))
        output.emit(_job_json(job), _report(job), json)
    if job.status != "succeeded":
        raise typer.Exit(1)


def _job_json(job: Job) -> dict[str, Any]:
    names = ("id", "status", "reason", "result", "error")
    return {name: getattr(job, name) for name in names}


def _preview(result: dict[str, Any]) -> str:
    plan = result["plan"]
    lines = [
        f"Plan for {result['experiences']} experiences at revision {plan['revision']}; nothing was changed."
    ]
    lines += [f"  remove {r['id']}: {r['why']}" for r in plan["remove"]]
    lines += [f"  unite {', '.join(ids)}" for ids in plan["unite"]]
    lines += [f"  ask the teacher to merge {', '.join(ids)}" for ids in plan["merge"]]
    lines += [f"  ask the teacher to rewrite {i}" for i in plan["rewrite"]]
    lines += [f"  remove, if nothing is merged, {r['id']}: {r['why']}" for r in plan["over_bound"]]
    return "\n".join(lines + _left(result))


def _report(job: Job) -> str:
    why = job.reason or job.error
    lines = [f"Compression {job.id}: {job.status}" + (f" ({why})" if why else "")]
    if result := job.result:
        operations = ", ".join(f"{n} {name}" for name, n in result["operations"].items()) or "none"
        spent = result["spent"]
        lines += [
            f"  operations: {operations}",
            f"  calls: {spent['calls']}, tokens: {spent['prompt_tokens'] + spent['completion_tokens']}, "
            f"cost: ${spent['cost_usd']:.4f}"
            + (f" and {spent['unpriced']} unpriced calls" if spent["unpriced"] else ""),
            *_checked(result.get("check")),
            f"  experiences now: {result['experiences']}",
            *_left(result),
        ]
    return "\n".join(lines)


def _checked(check: dict[str, Any] | None) -> list[str]:
    if check is None:
        return []
    told = (
        f"  validation: {check['samples']} questions, {check['changed']} of them with other experiences, of which "
        f"{check['before']} were right before and {check['after']} after"
    )
    if not check["rolled_back"]:
        return [told]
    kept = f", but for {', '.join(check['kept'])}, changed since" if check["kept"] else ""
    return [told, f"  worse than the tolerance of {check['tolerance']:g} allows: it was undone{kept}"]


def _left(result: dict[str, Any]) -> list[str]:
    skipped = result["skipped"]
    lines = [
        f"  left ({s['reason']}) {', '.join(s['experience_ids'])}: {s['detail']}" for s in skipped[:SHOWN]
    ]
    if len(skipped) > SHOWN:
        lines.append(f"  ... and {len(skipped) - SHOWN} more left as they are: see --json")
    return lines + [f"  beyond the bound: {problem}" for problem in result["problems"]]
