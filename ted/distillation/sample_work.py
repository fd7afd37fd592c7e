"""The work on one sample: retrieve, attempt, grade, solve, critique, screen, gate. METHOD "Distillation of one sample"."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from ted.bank.bank import Bank
from ted.bank.changes import AddKeys, Change
from ted.bank.holding import CHANGEABLE
from ted.bank.material import MaterialStore, Place
from ted.bank.trials import MOST, withhold
from ted.bank.usage import Asked
from ted.distillation.briefing import in_brief
from ted.distillation.distrust import allowed, touched_by
from ted.distillation.gating import gated, tried_again
from ted.distillation.guards import fact_of
from ted.distillation.outcome import Outcome, Skipped
from ted.distillation.screening import Screen, keys_from
from ted.distillation.standing_in import NoMajority, StandIn, stand_in
from ted.errors import UnparsableOutput
from ted.experience import Retrieval
from ted.gate.trying import Gate
from ted.gathering import all_of
from ted.grading.grading import Grading
from ted.prompts import VERSION
from ted.prompts.teacher import as_text
from ted.sample import Sample
from ted.settings import RetrievalSettings
from ted.student import Student, Written
from ted.teacher import Teacher
from ted.texts import normalised
from ted.trajectory import Critique, Grade, Solution, Trajectory


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the work on samples needs. `template`: the word runs that the samples of the job share; `measures`: whether
    later epochs withhold experiences."""

    bank: Bank
    student: Student
    teacher: Teacher
    grading: Grading
    material: MaterialStore
    settings: RetrievalSettings
    trajectories: int
    template: frozenset[tuple[str, ...]]
    measures: bool = True
    gate: Gate | None = None


async def work_on(sample: Sample, place: Place, bench: Workbench) -> Outcome:
    """Everything from the question to screened changes; the bank itself is not touched."""
    judges = bench.gate is not None and not sample.unlabelled
    trials = await tried_again(sample, gate=bench.gate, place=place) if bench.gate and judges else ()
    retrieval = await _retrieved(sample, place, bench)
    stood_in = await _stand_in(sample, place, bench) if sample.unlabelled else None
    if isinstance(stood_in, NoMajority):
        return await _left(sample, place, bench, stood_in)
    sample = stood_in.sample if stood_in else sample
    trajectories = await _attempted(sample, retrieval, place, bench)
    skipped = tuple(
        Skipped(sample.id, "unparsable_attempt", t.grade.reason) for t in trajectories if t.attempt is None
    )
    correct = sum(t.grade.correct for t in trajectories) / len(trajectories)
    if correct == 1.0:
        keys = _recognised(sample, retrieval, place, bench)
        outcome = _marked(Outcome(sample.id, correct, changes=keys, skipped=skipped, trials=trials), sample)
        await _finish(sample, place, bench, retrieval, trajectories, outcome, Critique((), {}, ()))
        return outcome
    if stood_in is not None:
        solution = stood_in.solution
    else:
        solution = await bench.teacher.solve(sample, key=place.key, grading=bench.grading)
    await asyncio.to_thread(bench.material.keep_solution, place, solution, unlabelled=sample.unlabelled)
    skipped += tuple(Skipped(sample.id, "unparsable_solution", told) for told in solution.unparsable)
    brief, shown, left_long = await in_brief(solution, trajectories, teacher=bench.teacher, place=place)
    skipped += left_long
    try:
        critique = await bench.teacher.critique(sample, brief, shown, retrieval, key=place.key)
    except UnparsableOutput as error:
        critique = Critique((), {}, ())
        skipped += (Skipped(sample.id, "unparsable_critique", str(error)),)
    await asyncio.to_thread(bench.material.keep_critique, place, critique)
    outcome = await _screened(sample, place, bench, solution, critique, correct, skipped)
    outcome = replace(await _through_gate(outcome, sample, place, bench), trials=trials)
    outcome = _marked(outcome, sample)
    await _finish(sample, place, bench, retrieval, trajectories, outcome, critique)
    return outcome


async def _stand_in(sample: Sample, place: Place, bench: Workbench) -> StandIn | NoMajority:
    """The same in every epoch: later ones find its calls in the ledger."""
    key = replace(place, epoch=0).key
    return await stand_in(sample, key=key, teacher=bench.teacher, grading=bench.grading)


async def _left(sample: Sample, place: Place, bench: Workbench, why: NoMajority) -> Outcome:
    """Nothing to grade attempts by, so that none is made."""
    skipped = [Skipped(sample.id, "unparsable_solution", told) for told in why.unparsable]
    skipped.append(Skipped(sample.id, "no_majority", why.told))
    outcome = Outcome(sample.id, None, skipped=tuple(skipped), unlabelled=True)
    await asyncio.to_thread(bench.material.keep_outcome, place, outcome.to_json(), status="no_majority")
    return outcome


def _marked(outcome: Outcome, sample: Sample) -> Outcome:
    if not sample.unlabelled:
        return outcome
    return replace(outcome, unlabelled=True, stand_in=sample.answer, solved=None)


def _recognised(sample: Sample, retrieval: Retrieval, place: Place, bench: Workbench) -> tuple[Change, ...]:
    """Where the nearest experience shown states the fact that was asked for, the question becomes a key of it."""
    fact = fact_of(sample)
    if fact is None or not retrieval.shown:
        return ()
    nearest = retrieval.shown[0].experience
    if normalised(fact) not in normalised(nearest.content):
        return ()
    keys = keys_from(sample.question)
    return (Change(AddKeys(nearest.id), keys, sample.tags, _provenance(sample, place, bench)),)


def _provenance(sample: Sample, place: Place, bench: Workbench) -> dict[str, Any]:
    return {
        "job": place.job_id,
        "epoch": place.epoch,
        "sample": sample.id,
        "student": bench.student.chat.name,
        "teacher": bench.teacher.chat.name,
        "prompts": VERSION,
        **({"unlabelled": True} if sample.unlabelled else {}),
    }


async def _retrieved(sample: Sample, place: Place, bench: Workbench) -> Retrieval:
    """As at answering time; frozen, so that a resumed run builds the same prompts.

    The first epoch learns, the later ones measure, too: there, where no user waits for the answer and every one is
    graded, withholding is as likely as can be.
    """
    if frozen := await asyncio.to_thread(bench.material.frozen_retrieval, place):
        return frozen
    retrieval = await bench.bank.retrieve(sample.question, bench.settings)
    if bench.measures and place.epoch > 0 and not sample.unlabelled:  # whose outcome would not count
        key = f"{place.epoch}:{place.sample_id}"
        retrieval = withhold(retrieval, sample.question, key=key, probability=lambda _: MOST)
        retrieval = await asyncio.to_thread(bench.material.with_records, place, retrieval)
    await asyncio.to_thread(bench.material.freeze_retrieval, place, retrieval)
    return retrieval


async def _attempted(
    sample: Sample, retrieval: Retrieval, place: Place, bench: Workbench
) -> list[Trajectory]:
    written = await bench.student.attempt(sample.question, retrieval, key=place.key, times=bench.trajectories)
    grades = await all_of(
        _graded(w, sample, f"{place.key}:judge:{n}", bench.grading) for n, w in enumerate(written)
    )
    trajectories = [
        Trajectory(n, w.text, w.attempt, grade)
        for n, (w, grade) in enumerate(zip(written, grades, strict=True))
    ]
    await asyncio.to_thread(
        bench.material.keep_trajectories, place, trajectories, unlabelled=sample.unlabelled
    )
    return trajectories


async def _graded(written: Written, sample: Sample, call_key: str, grading: Grading) -> Grade:
    if written.attempt is None:
        return Grade(False, f"the reply does not parse: {written.problem}")
    return await grading.grade(written.attempt.final_answer, sample=sample, call_key=call_key)


async def _screened(
    sample: Sample,
    place: Place,
    bench: Workbench,
    solution: Solution,
    critique: Critique,
    correct: float,
    skipped: tuple[Skipped, ...],
) -> Outcome:
    screen = Screen(
        bank=bench.bank,
        active=tuple(await asyncio.to_thread(bench.bank.experiences, status=CHANGEABLE)),
        teacher=bench.teacher,
        sample=sample,
        solution=as_text(solution.attempt.chain, ""),
        template=bench.template,
        settings=bench.settings,
        provenance=_provenance(sample, place, bench),
        key=place.key,
    )
    screened = await all_of(screen.screen(o, n) for n, o in enumerate(critique.operations))
    proposed = tuple(s.change for s in screened if s.change)
    free = bench.bank.unlabelled_among([i for change in proposed for i in touched_by(change)])
    changes, refused = allowed(proposed, sample, free)
    return Outcome(
        sample.id,
        correct,
        solved=solution.correct,
        rationalised=solution.rationalised,
        changes=changes,
        skipped=skipped + tuple(skip for s in screened for skip in s.skipped) + refused,
        mended=sum(s.mended for s in screened),
        error_types=Counter(f.error_type for f in critique.findings),
    )


async def _through_gate(outcome: Outcome, sample: Sample, place: Place, bench: Workbench) -> Outcome:
    gate = bench.gate
    if gate is None:
        return outcome
    passed = await all_of(
        gated(change, n, gate=gate, sample=sample, place=place) for n, change in enumerate(outcome.changes)
    )
    return replace(
        outcome,
        changes=tuple(p.change for p in passed if p.change),
        skipped=outcome.skipped + tuple(skip for p in passed for skip in p.skipped),
    )


async def _finish(
    sample: Sample,
    place: Place,
    bench: Workbench,
    retrieval: Retrieval,
    trajectories: list[Trajectory],
    outcome: Outcome,
    critique: Critique,
) -> None:
    used = {label for t in trajectories if t.attempt for label in t.attempt.used}
    told = bench.student.profile.form == "chain"
    cited = {r.experience.id: r.label in used for r in retrieval.shown} if told else {}
    await asyncio.to_thread(
        bench.material.finish,
        place,
        status="all_correct" if outcome.correct == 1.0 else "done",
        outcome=outcome.to_json(),
        asked=Asked(
            place.key, "distillation", sample.question, None if sample.unlabelled else outcome.correct
        ),
        retrieval=retrieval,
        cited=cited,
        verdicts=critique.verdicts,
    )
