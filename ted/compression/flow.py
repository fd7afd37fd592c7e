"""The flow of a compression: plan, ask the teacher, apply, hold the bound. METHOD "Compression"."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from ted.bank.bank import Bank
from ted.bank.changes import Change, Occasion
from ted.bank.compressing import CompressionStore
from ted.compression.bound import is_over, overflow
from ted.compression.counted import CountedChat
from ted.compression.decisions import Decision, joined
from ted.compression.items import CompressionItems, applied, bound_told, made_at, told_of
from ted.compression.merging import merge, united
from ted.compression.plan import Cluster, Failing, Plan, Skipped, make_plan
from ted.compression.result import CompressionResult, Moment
from ted.compression.rewriting import rewrite
from ted.compression.settings import CompressionSettings
from ted.gathering import all_of
from ted.operations import Remove
from ted.prompts import VERSION
from ted.teacher import Teacher


async def compress(
    bank: Bank,
    teacher: Teacher,
    *,
    moment: Moment,
    settings: CompressionSettings | None = None,
    only: Collection[str] | None = None,
    dry_run: bool = False,
    items: CompressionItems | None = None,
) -> CompressionResult:
    """Removes what harms, unites and merges what says the same, rewrites what does not help, then holds the bound.

    `only`: nothing but duplicates of these experiences are united and merged; `items`: where what is done is told.

    The plan's changes are one transaction, those of the bound another; each is made once only at a moment, so that a
    resumed job goes on behind what was done. No transaction is open while the teacher thinks. A dry run ends with the
    plan. Raises BudgetExhausted, with nothing changed.
    """
    done = None if dry_run else await asyncio.to_thread(bank.report_of, moment.occasion)
    if done is None:
        plan = await make_plan(bank, settings or CompressionSettings())
        plan = plan if only is None else plan.about(only)
        if dry_run:
            return _previewed(plan, bank)
        done = await _carry_out(plan, bank, teacher, moment, items)
    await asyncio.to_thread(CompressionStore(bank.database).remember, bank.id, done["refusals"])
    if items:
        made = await asyncio.to_thread(made_at, bank, done["revision"])
        await items.ended(applied(done["items"], done["skipped"], made))
    await hold_bound(bank, moment, moment.bound, items=items)
    result = await asyncio.to_thread(result_of, bank, moment)
    assert result is not None
    return result


def result_of(bank: Bank, moment: Moment) -> CompressionResult | None:
    """What the compression of this moment did, from the reports of its revisions; None where there was none."""
    done, bound = bank.report_of(moment.occasion), bank.report_of(moment.bound)
    if done is None:
        return None
    reports = [report for report in (done, bound) if report]
    operations: Counter[str] = Counter()
    for report in reports:
        operations.update(report["counts"])
    stale = (
        Skipped((s["experience_id"],), "stale", f"{s['operation']}: {s['why']}")
        for report in reports
        for s in report["skipped"]
    )
    left = tuple(Skipped(tuple(s["experience_ids"]), s["reason"], s["detail"]) for s in done["left"])
    problem = bound["problem"] if bound else None
    return CompressionResult(
        plan=done["plan"],
        operations=dict(operations),
        skipped=(*left, *stale),
        problems=(problem,) if problem else (),
        teacher_calls=done["teacher_calls"],
        experiences=reports[-1]["active"],
        revision=reports[-1]["revision"],
    )


def _previewed(plan: Plan, bank: Bank) -> CompressionResult:
    problems = (plan.overflow.problem,) if plan.overflow.problem else ()
    return CompressionResult(
        plan.to_json(),
        skipped=plan.refused,
        problems=problems,
        experiences=len(bank.experiences()),
        revision=plan.revision,
        dry_run=True,
    )


async def _carry_out(
    plan: Plan, bank: Bank, teacher: Teacher, moment: Moment, items: CompressionItems | None
) -> dict[str, Any]:
    """Asks the teacher about all clusters and failing experiences at once, and makes the plan's changes in one go."""
    counted = CountedChat(teacher.chat)
    decisions = await _decided(plan, bank, Teacher(counted, teacher.profile), moment, items)
    decision = joined(one for _, one in decisions)
    removals = tuple(
        Change(Remove(r.experience_id), provenance=_provenance(moment, why=r.why)) for r in plan.removals
    )
    unions = tuple(united(u, _provenance(moment, why="identical contents")) for u in plan.unions)
    result = await bank.apply(
        removals + unions + decision.changes,
        moment.occasion,
        base_revision=plan.revision,
        notes={
            "plan": plan.to_json(),
            "left": [asdict(s) for s in plan.refused + decision.skipped],
            "refusals": dict(decision.refusals),
            "teacher_calls": counted.asked,
            "items": told_of(plan, decisions),
            "asked": plan.signatures,
        },
    )
    report = await asyncio.to_thread(bank.report_of, moment.occasion)
    assert report is not None, result
    return report


async def _decided(
    plan: Plan, bank: Bank, teacher: Teacher, moment: Moment, items: CompressionItems | None
) -> list[tuple[Cluster | Failing, Decision]]:
    provenance = _provenance(moment, teacher=teacher.chat.name, prompts=VERSION)

    async def decided(about: Cluster | Failing) -> tuple[Cluster | Failing, Decision]:
        if items:
            await items.begun(about)
        key = moment.call_key(about.id, "merge" if isinstance(about, Cluster) else "rewrite")
        if isinstance(about, Cluster):
            return about, await merge(about, bank=bank, teacher=teacher, key=key, provenance=provenance)
        return about, await rewrite(about, teacher=teacher, key=key, provenance=provenance)

    merges = [decided(cluster) for cluster in plan.clusters]
    return list(await all_of([*merges, *(decided(failing) for failing in plan.failing)]))


async def hold_bound(
    bank: Bank, moment: Moment, occasion: Occasion, *, items: CompressionItems | None = None
) -> None:
    """Retires the least useful, once on this occasion, where the bank is beyond its bound; tells what stays beyond it."""
    done = await asyncio.to_thread(bank.report_of, occasion)
    survey = await asyncio.to_thread(CompressionStore(bank.database).survey, bank.id)
    if done is None and is_over(survey):
        found = overflow(survey)
        changes = [
            Change(Remove(r.experience_id), provenance=_provenance(moment, why=r.why)) for r in found.removals
        ]
        why = {r.experience_id: r.why for r in found.removals}
        notes = {"problem": found.problem, "why": why}
        await bank.apply(changes, occasion, base_revision=survey.revision, notes=notes)
        done = await asyncio.to_thread(bank.report_of, occasion)
    if items and done:
        await items.ended(bound_told(done["why"], done["skipped"]))


def _provenance(moment: Moment, **more: str) -> dict[str, Any]:
    return {"job": moment.job_id, "epoch": moment.epoch, "batch": moment.batch, **more}
