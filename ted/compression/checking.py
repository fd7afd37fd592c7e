"""The check of a compression: validation questions answered with the bank before and after, paired; worse, it is undone.

Only questions whose experiences are not the same afterwards are asked, in both arms under shared seeds; the others cannot
come out otherwise. METHOD "Compression", step 4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ted.bank.bank import Bank
from ted.bank.compressing import CompressionStore
from ted.bank.material import MaterialStore, Place
from ted.bank.sample_rows import VALIDATION
from ted.bank.versions import undo
from ted.compression.flow import compress, hold_bound
from ted.compression.items import CompressionItems
from ted.compression.result import CompressionResult, Moment
from ted.compression.settings import CompressionSettings
from ted.errors import ModelFailure
from ted.experience import Retrieval
from ted.gathering import all_of
from ted.grading.grading import Grading
from ted.sample import Sample
from ted.student import Student
from ted.teacher import Teacher

WORSE = "on the validation samples the bank was worse with it"


@dataclass(frozen=True, slots=True)
class Check:
    """Who is asked what, and by how much the share of right answers may fall (0.02: by two in a hundred)."""

    samples: tuple[Sample, ...]
    student: Student
    grading: Grading
    material: MaterialStore
    tolerance: float


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check came to: `samples` that could be answered, of which for `changed` other experiences are found.

    `before` and `after`: how many of those were right; `gains` and `regressions`: right only after, or only before.
    `rolled_back`: whether that was worse than allowed; `kept`: experiences that somebody changed since, which stay.
    """

    samples: int
    failed: int
    changed: int
    before: int
    after: int
    gains: int
    regressions: int
    tolerance: float
    rolled_back: bool = False
    kept: tuple[str, ...] = ()

    @property
    def is_worse(self) -> bool:
        """Whether the share of right answers fell by more than the tolerance."""
        return self.samples > 0 and (self.before - self.after) / self.samples > self.tolerance + 1e-9

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "kept": list(self.kept)}


async def compress_checked(
    bank: Bank,
    teacher: Teacher,
    *,
    moment: Moment,
    check: Check,
    settings: CompressionSettings | None = None,
    items: CompressionItems | None = None,
) -> CompressionResult:
    """A compression, undone by a new revision where it makes answers worse; the bound holds all the same.

    What was united, merged or rewritten is then remembered as refused. Resumed, it asks nothing twice and undoes once.
    """
    if not await asyncio.to_thread(bank.has_applied, moment.occasion):
        await _freeze(bank, check, moment, AT_FIRST, anew=True)
    result = await compress(bank, teacher, moment=moment, settings=settings, items=items)
    await _freeze(bank, check, moment, AFTERWARDS)
    found = await _compared(check, moment)
    if found.is_worse:
        kept = await undo(bank, (moment.occasion, moment.bound), moment.undoing)
        refusals = await asyncio.to_thread(_refusals, bank, moment)
        await asyncio.to_thread(CompressionStore(bank.database).remember, bank.id, refusals)
        await hold_bound(bank, moment, moment.bound_again, items=items)
        found = replace(found, rolled_back=True, kept=kept)
    record, active = bank.record, await asyncio.to_thread(bank.experiences)
    return replace(result, check=found.to_json(), revision=record.revision, experiences=len(active))


AT_FIRST, AFTERWARDS = 0, 1


def _place(moment: Moment, sample: Sample, arm: int) -> Place:
    return Place(moment.job_id, 2 * moment.batch + arm, f"{VALIDATION}{sample.id}")


async def _freeze(bank: Bank, check: Check, moment: Moment, arm: int, *, anew: bool = False) -> None:
    """What is found for each question now, for good unless `anew`."""

    async def one(sample: Sample) -> None:
        place = _place(moment, sample, arm)
        if anew or await asyncio.to_thread(check.material.frozen_retrieval, place) is None:
            retrieval = await bank.retrieve(sample.question)
            await asyncio.to_thread(check.material.freeze_retrieval, place, retrieval)

    await all_of(one(sample) for sample in check.samples)


async def _compared(check: Check, moment: Moment) -> Checked:
    pairs = await all_of(_pair(sample, check, moment) for sample in check.samples)
    told = [pair for pair in pairs if pair is not None]
    asked = [pair for pair in told if pair != ALIKE]
    return Checked(
        samples=len(told),
        failed=len(pairs) - len(told),
        changed=len(asked),
        before=sum(bool(before) for before, _ in asked),
        after=sum(bool(after) for _, after in asked),
        gains=sum(bool(after and not before) for before, after in asked),
        regressions=sum(bool(before and not after) for before, after in asked),
        tolerance=check.tolerance,
    )


ALIKE = (None, None)


async def _pair(sample: Sample, check: Check, moment: Moment) -> tuple[bool | None, bool | None] | None:
    """Whether it was right before and after; ALIKE where the prompts are the same; None where it was not answered."""
    places = [_place(moment, sample, arm) for arm in (AT_FIRST, AFTERWARDS)]
    frozen = [await asyncio.to_thread(check.material.frozen_retrieval, place) for place in places]
    before, after = frozen
    assert before is not None
    assert after is not None
    if _shown(before) == _shown(after):
        for place in places:
            await _keep(check, place, None, "")
        return ALIKE
    try:
        one, other = await all_of(
            _right(sample, retrieval, place, arm, check)
            for retrieval, place, arm in zip((before, after), places, ("before", "after"), strict=True)
        )
    except ModelFailure as error:
        for place in places:
            await asyncio.to_thread(check.material.fail, place, str(error))
        return None
    return one, other


async def _right(sample: Sample, retrieval: Retrieval, place: Place, arm: str, check: Check) -> bool:
    # The arm stands before the first colon of the key, where it does not change the seed.
    head = f"{place.job_id}.{arm}:{place.epoch // 2}:{place.sample_id}"
    reply, attempt = await check.student.answer(sample.question, retrieval, call_key=f"{head}:validate:0")
    answer = attempt.final_answer if attempt else ""
    correct = False
    if attempt is not None:
        grade = await check.grading.grade(answer, sample=sample, call_key=f"{head}:judge-validation:0")
        correct = grade.correct
    await _keep(check, place, correct, answer or reply.text)
    return correct


async def _keep(check: Check, place: Place, correct: bool | None, answer: str) -> None:
    outcome = {
        "kind": "validation",
        "when": "after" if place.epoch % 2 else "before",
        "experience_ids": [],
        "result": [] if correct is None else [{"final_answer": answer}],
        "refusal": None,
        "correct": None if correct is None else float(correct),
    }
    if await asyncio.to_thread(check.material.outcome, place) != outcome:
        await asyncio.to_thread(check.material.keep_outcome, place, outcome)


def _shown(retrieval: Retrieval) -> Sequence[tuple[str, str]]:
    """What of it stands in the prompt."""
    return [(r.experience.when_to_use, r.experience.content) for r in retrieval.shown]


def _refusals(bank: Bank, moment: Moment) -> dict[str, str]:
    done = bank.report_of(moment.occasion)
    assert done is not None
    return dict.fromkeys(done["asked"], WORSE)
