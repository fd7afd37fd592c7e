"""The gate's place in the work on a sample: proposals tried before they are applied, candidates tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ted.bank.bank import Bank
from ted.bank.changes import Change, Judge
from ted.bank.holding import held_back
from ted.bank.material import Place
from ted.bank.retriever import Guest
from ted.bank.usage import is_own_source
from ted.distillation.outcome import Outcome, Skipped
from ted.experience import Experience
from ted.gate.trying import Gate
from ted.gate.verdict import Evidence, Verdict, told, verdict
from ted.gathering import all_of
from ted.operations import Add, Rewrite
from ted.sample import Sample
from ted.texts import normalised


@dataclass(frozen=True, slots=True)
class Gated:
    """A change as the gate lets it pass, or None, and what is to be told of that."""

    change: Change | None
    skipped: tuple[Skipped, ...] = ()


async def gated(change: Change, number: int, *, gate: Gate, sample: Sample, place: Place) -> Gated:
    """A new experience gets the status that its trials earn; one that was rejected before is not tried again.

    A rewrite is left undone where it makes matters worse, and done where it does not or is not clear: the text there is
    was wrong for this sample. Other changes pass, and what is held back for a review: no model is shown it.
    """
    operation = change.operation
    if not isinstance(operation, Add | Rewrite) or held_back(change):
        return Gated(change)
    if isinstance(operation, Add) and (known := await _rejected_before(operation, gate.bank)):
        detail = f"its text is that of {known.id}, which the gate rejected before"
        return Gated(None, (Skipped(sample.id, "gate", detail),))
    replaced = (operation.experience_id,) if isinstance(operation, Rewrite) else ()
    keys = change.keys
    if isinstance(operation, Rewrite):
        keys = (*(await asyncio.to_thread(gate.bank.experience, operation.experience_id)).keys, *keys)
    guest = await gate.bank.guest(
        operation.when_to_use,
        operation.content,
        keys,
        images=sample.question.images,
        replaces=replaced,
    )
    found, outcome = await _judged(guest, number, gate=gate, sample=sample, place=place)
    rejected = (Skipped(sample.id, "gate", f"{operation.when_to_use} {operation.content}: {found['why']}"),)
    if isinstance(operation, Add):
        passed = replace(change, status=outcome, gate=found)
        return Gated(passed, rejected if outcome == "rejected" else ())
    if outcome == "rejected":
        return Gated(None, rejected)
    return Gated(replace(change, gate=found))


async def _judged(
    guest: Guest, number: int, *, gate: Gate, sample: Sample, place: Place
) -> tuple[dict[str, Any], Verdict]:
    """What the trials come to. On a sample without a reference there are none: what it adds waits for others."""
    if sample.unlabelled and gate.policy == "sample":
        why = "its sample has no reference to be tried against"
        return told(Evidence(), gate.policy) | {"outcome": "candidate", "why": why}, "candidate"
    evidence = await gate.admitted(guest, sample, place, number)
    return told(evidence, gate.policy), verdict(evidence)


async def tried_again(sample: Sample, *, gate: Gate, place: Place) -> tuple[dict[str, Any], ...]:
    """Evidence from this sample on the candidates that are kept and were not made from it; `judgements` sums it up."""
    kept = await asyncio.to_thread(gate.bank.experiences, status=("candidate",))
    waiting = [e for e in kept if not is_own_source(e, sample.question)]
    guests = await all_of(gate.bank.guest(e.when_to_use, e.content, e.keys) for e in waiting)
    found = await gate.tried_again(guests, sample, place)
    return tuple(
        {"experience_id": e.id, "version": e.version, **evidence.to_json()}
        for e, evidence in zip(waiting, found, strict=True)
        if evidence.pairs
    )


def judgements(outcomes: Sequence[Outcome], bank: Bank, policy: str) -> list[Change]:
    """What the samples of a batch say of candidates, in sample order, added to what was known of them."""
    sums: dict[tuple[str, int], Evidence] = {}
    for trial in (trial for outcome in outcomes for trial in outcome.trials):
        of = trial["experience_id"], trial["version"]
        sums[of] = sums.get(of, Evidence()).plus(Evidence.from_json(trial))
    changes = []
    for (experience_id, version), evidence in sums.items():
        known = Evidence.from_json(bank.gate_of(experience_id))
        found = told(known.plus(evidence), "sample" if policy == "sample" else "neighbours")
        judged = Judge(experience_id, version, found["outcome"], found)
        changes.append(Change(judged, provenance={"sample": "", "gate": found}))
    return changes


async def _rejected_before(add: Add, bank: Bank) -> Experience | None:
    rejected = await asyncio.to_thread(bank.experiences, status=("rejected",))
    text = normalised(f"{add.when_to_use}\n{add.content}")
    return next((e for e in rejected if normalised(e.text) == text), None)
