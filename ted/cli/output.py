"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer
from rich.box import SIMPLE
from rich.console import Console, RenderableType
from rich.table import Table

from ted.answer import Answer, Cascaded
from ted.bank.job_values import Job
from ted.bank.portability import notice
from ted.evaluation.report import Report
from ted.evaluation.rows import Arm
from ted.evaluation.statistics import ArmResult
from ted.texts import shortened


def emit(value: object, shown: RenderableType, as_json: bool) -> None:
    """The value as JSON, or what is shown of it."""
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
    else:
        Console().print(shown)


def table(title: str, rows: Sequence[dict[str, object]]) -> RenderableType:
    """Rows of one shape as a table; where there is none, a sentence."""
    if not rows:
        return f"{title}: there are none yet."
    made = Table(title=title, title_justify="left")
    for name in rows[0]:
        made.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        made.add_row(*(str(value) for value in row.values()))
    return made


def evaluation_table(evaluation: Report) -> Table:
    """One row an arm."""
    made = Table(title="Evaluation", title_justify="left", box=SIMPLE, padding=0, show_edge=False)
    for name in ("arm", "right", "accuracy", "interval", "flips", "prompt", "s", "cost"):
        made.add_column(name, justify="left" if name == "arm" else "right", no_wrap=True)
    for arm in evaluation.arms:
        made.add_row(*_cells(arm))
    made.caption = "95 % interval; flips: to right, to wrong; prompt tokens and seconds: sums"
    return made


NAMES: dict[Arm, str] = {
    "none": "student alone",
    "copy": "nearest answer",
    "demos": "student + demos",
    "retrieve": "student + bank",
    "all": "student + whole bank",
    "irrelevant": "student + other bank",
    "teacher": "teacher alone",
    "cascade": "cascade",
}


def _cells(arm: ArmResult) -> tuple[str, ...]:
    low, high = arm.interval
    flips = "" if arm.right_flips is None else f"+{arm.right_flips}/-{arm.wrong_flips}"
    return (
        NAMES[arm.arm],
        f"{arm.correct}/{arm.questions}",
        f"{arm.accuracy:.3f}",
        f"{low:.3f}-{high:.3f}",
        flips,
        str(arm.prompt_tokens),
        f"{arm.seconds:.1f}",
        "unknown" if arm.cost_usd is None else f"${arm.cost_usd:.4f}",
    )


def emit_job(job: Job, note: str, as_json: bool) -> None:
    """A job and its result."""
    if as_json:
        value = {
            "id": job.id,
            "status": job.status,
            "reason": job.reason,
            "result": job.result,
            "error": job.error,
        }
        emit(value, "", True)
        return
    console = Console()
    if note:
        console.print(note)
    console.print(
        f"Distillation {job.id}: {job.status}"
        + (f" ({job.reason or job.error})" if job.reason or job.error else "")
    )
    if job.result:
        console.print(_summary(job.result))


def _summary(result: dict[str, Any]) -> str:
    operations = ", ".join(f"{n} {name}" for name, n in result["operations"].items()) or "none"
    items, spent = result["items"], result["spent"]
    lines = [
        f"  samples: {items['completed']} done ({items['skipped']} right from the start), {items['failed']} failed",
        f"  operations: {operations}; {result['united']} united, {result['mended']} mended",
        f"  calls: {spent['calls']}, tokens: {spent['prompt_tokens'] + spent['completion_tokens']}, "
        f"cost: ${spent['cost_usd']:.4f}"
        + (f" and {spent['unpriced']} unpriced calls" if spent["unpriced"] else ""),
        f"  experiences now: {result['experiences']}",
    ]
    if unlabelled := result.get("unlabelled"):
        lines.append(
            f"  without a reference: {unlabelled} samples; for {result['no_majority']} the teacher's solutions disagree"
        )
    if compressions := result.get("compressions"):
        merged: Counter[str] = Counter()
        for one in compressions:
            merged.update(one["operations"])
        done = ", ".join(f"{n} {name}" for name, n in merged.items()) or "nothing to do"
        lines.append(f"  compressed {len(compressions)} times: {done}")
    lines += [f"  skipped ({s['reason']}) {s['sample_id']}: {s['detail']}" for s in result["skipped"][:10]]
    if len(result["skipped"]) > 10:
        lines.append(f"  ... and {len(result['skipped']) - 10} more skipped: see --json")
    held = result.get("quarantined", [])
    lines += [f"  quarantined {h['sample']}: {h['why']}" for h in held[:10]]
    if len(held) > 10:
        lines.append(f"  ... and {len(held) - 10} more quarantined: see --json")
    lines += [f"  failed {f['sample']}: {f['error']}" for f in result["failures"][:10]]
    return "\n".join(lines)


def answer_json(answer: Answer) -> dict[str, Any]:
    """An answer as the API gives it, too."""
    return {
        "id": answer.id,
        "text": answer.text,
        "final_answer": answer.final_answer,
        "abstained": answer.retrieval.abstained,
        "images_not_searched": answer.retrieval.images_not_searched,
        "notice": told_of_students(answer),
        "model": answer.model,
        "experiences": [
            {
                "id": r.experience.id,
                "label": r.label,
                "when_to_use": r.experience.when_to_use,
                "content": r.experience.content,
                "similarity": r.similarity.fused,
                "shown": r.shown,
            }
            for r in answer.retrieval.retrieved
        ],
        "demonstrations": [asdict(d) for d in answer.retrieval.demonstrations],
        "control": answer.trial.arm == "control",
        "bypassed": answer.trial.bypassed,
        "escalated": answer.escalated,
        "cascade": asdict(answer.cascaded) if answer.cascaded else None,
        "harvested": answer.harvested,
        "usage": {
            "prompt_tokens": answer.usage.prompt_tokens,
            "completion_tokens": answer.usage.completion_tokens,
        },
        "cost_usd": answer.usage.cost_usd,
    }


def answer_text(answer: Answer) -> str:
    """The final answer, then what was shown for it."""
    shown = [
        f"  {r.label} ({r.similarity.fused:.2f}) {r.experience.when_to_use} {r.experience.content}"
        + ("" if r.shown else " (left out, to learn what it is worth)")
        for r in answer.retrieval.retrieved
    ]
    shown += [f"  like ({d.similarity:.2f}) {d.question} {d.answer}" for d in answer.retrieval.demonstrations]
    blind = answer.retrieval.images_not_searched
    told = (
        [f"  ({blind} image(s) not searched: set TED_IMAGE_EMBEDDER, and make the bank with it)"]
        if blind
        else []
    )
    other = told_of_students(answer)
    told += [f"  ({other})"] if other else []
    told += [f"  ({_told_of_cascade(answer.cascaded)})"] if answer.cascaded else []
    return "\n".join([answer.final_answer, *(shown or ["  (no experience was near enough)"]), *told])


def _told_of_cascade(cascaded: Cascaded) -> str:
    of = f"{round(cascaded.agreement * len(cascaded.answers))} of {len(cascaded.answers)} answers of the student"
    if cascaded.teacher is None:
        return f"{of} agree"
    said = " | ".join(shortened(answer, length=30) for answer in cascaded.answers)
    return f"{cascaded.teacher} answered: only {of} agree, {said}"


def told_of_students(answer: Answer) -> str | None:
    """What to tell where the experiences found were made with other students."""
    students = (r.experience.student for r in answer.retrieval.retrieved)
    return notice(students, asked=answer.model, bank=answer.bank_id)
