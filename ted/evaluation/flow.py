"""An evaluation: every sample under every arm, at temperature 0; rows first, figures from them. METHOD "Evaluation"."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ted.answering import retrieved_for
from ted.bank.bank import Bank
from ted.experience import Retrieval
from ted.gathering import all_of
from ted.grading.grading import Grading
from ted.sample import Sample
from ted.student import Student

Arm = Literal["none", "retrieve", "teacher"]
ARMS: tuple[Arm, ...] = ("none", "retrieve", "teacher")


@dataclass(frozen=True, slots=True)
class Row:
    """One question under one arm."""

    arm: Arm
    sample: str
    question: str
    reference: str
    final_answer: str
    correct: bool
    experiences: tuple[str, ...]
    abstained: bool
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    seconds: float

    @staticmethod
    def from_json(kept: dict[str, Any]) -> Row:
        """Of its fields, as `asdict` gives them."""
        return Row(**(kept | {"experiences": tuple(kept["experiences"])}))


@dataclass(frozen=True, slots=True)
class ArmResult:
    """An arm's figures: accuracy with its 95 % Wilson interval, flips against `none`, sums of tokens, cost, seconds."""

    arm: Arm
    questions: int
    correct: int
    accuracy: float
    interval: tuple[float, float]
    right_flips: int | None
    wrong_flips: int | None
    prompt_tokens: int
    tokens: int
    seconds: float
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of each arm and the rows they come from."""

    arms: tuple[ArmResult, ...]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """`{"arms": [...], "questions": [...]}`."""
        return {"arms": [asdict(a) for a in self.arms], "questions": [asdict(r) for r in self.rows]}


async def evaluate(
    samples: Sequence[Sample],
    *,
    job_id: str,
    arms: Sequence[Arm],
    bank: Bank,
    student: Student,
    teacher: Student,
    progress: Callable[[Row], None] = lambda row: None,
) -> Evaluation:
    """All samples under each arm, one arm after the other."""
    rows: list[Row] = []
    arms = tuple(dict.fromkeys(arms))
    for arm in arms:
        model = teacher if arm == "teacher" else student

        async def one(sample: Sample, arm: Arm = arm, model: Student = model) -> Row:
            row = await _row(sample, arm, bank, model, job_id)
            progress(row)
            return row

        rows += await all_of(one(sample) for sample in samples)
    return Evaluation(tuple(figures(rows, arm) for arm in arms), tuple(rows))


async def _row(sample: Sample, arm: Arm, bank: Bank, model: Student, job_id: str) -> Row:
    started = time.perf_counter()
    retrieval = await retrieved_for(sample.question, bank, "retrieve" if arm == "retrieve" else "none")
    found = time.perf_counter() - started
    row = await answered(sample, arm, retrieval, model, job_id=job_id)
    return replace(row, seconds=found + row.seconds)


async def answered(
    sample: Sample,
    arm: Arm,
    retrieval: Retrieval,
    model: Student,
    *,
    job_id: str,
    grading: Grading = Grading(),
) -> Row:
    """The question asked with what was retrieved for it, and graded; `seconds` are the model's. Raises ModelFailure."""
    role = "teacher" if arm == "teacher" else "student"
    # The arm stands before the first colon, where it does not change the seed: arms are paired.
    reply, attempt = await model.answer(
        sample.question, retrieval, call_key=f"{job_id}.{arm}:0:{sample.id}:{role}:0"
    )
    final = attempt.final_answer if attempt else reply.text.strip()
    graded = await grading.grade(final, sample=sample, call_key=f"{job_id}.{arm}:0:{sample.id}:judge:0")
    return Row(
        arm=arm,
        sample=sample.id,
        question=sample.question.text,
        reference=sample.answer,
        final_answer=final,
        correct=graded.correct,
        experiences=tuple(r.experience.id for r in retrieval.retrieved),
        abstained=retrieval.abstained,
        prompt_tokens=reply.usage.prompt_tokens,
        completion_tokens=reply.usage.completion_tokens,
        cost_usd=reply.usage.cost_usd,
        seconds=reply.seconds,
    )


def figures(rows: Sequence[Row], arm: Arm) -> ArmResult:
    """The figures of one arm, from the rows of all."""
    from scipy.stats import binomtest

    mine = [row for row in rows if row.arm == arm]
    alone = {row.sample: row.correct for row in rows if row.arm == "none"}
    paired = [(alone[row.sample], row.correct) for row in mine if row.sample in alone]
    correct = sum(row.correct for row in mine)
    interval = binomtest(correct, len(mine)).proportion_ci(method="wilson")
    costs = [row.cost_usd for row in mine]
    return ArmResult(
        arm=arm,
        questions=len(mine),
        correct=correct,
        accuracy=correct / len(mine),
        interval=(float(interval.low), float(interval.high)),
        right_flips=sum(now and not before for before, now in paired) if alone and arm != "none" else None,
        wrong_flips=sum(before and not now for before, now in paired) if alone and arm != "none" else None,
        prompt_tokens=sum(row.prompt_tokens for row in mine),
        tokens=sum(row.prompt_tokens + row.completion_tokens for row in mine),
        seconds=sum(row.seconds for row in mine),
        cost_usd=None if None in costs else sum(c for c in costs if c is not None),
    )
