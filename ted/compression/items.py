"""What a compression does as items of its job: one a removal, union, merge and rewrite. What came of each is the flow's."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ted.bank.bank import Bank
from ted.bank.material import MaterialStore, Place
from ted.compression.decisions import Decision
from ted.compression.plan import Cluster, Failing, Plan, Skipped
from ted.compression.result import Moment

Told = dict[str, Any]


class CompressionItems:
    """Keeps the items of one moment of a job; each method may be repeated. They are numbered as an epoch by the batch."""

    def __init__(self, material: MaterialStore, moment: Moment) -> None:
        self._material, self._moment = material, moment

    async def begun(self, about: Cluster | Failing) -> None:
        """The teacher is asked."""
        await asyncio.to_thread(self._material.begin, self._place(name_of(about)))

    async def ended(self, told: Sequence[Told]) -> None:
        """These are done. One that no reply could be had for has failed."""
        await asyncio.to_thread(self._keep, told)

    def _keep(self, told: Sequence[Told]) -> None:
        for one in told:
            outcome = {name: value for name, value in one.items() if name != "item"}
            place, refusal = self._place(one["item"]), outcome["refusal"]
            if refusal and refusal["reason"] == "model_failure":
                self._material.fail(place, refusal["detail"])
            elif self._material.outcome(place) != outcome:
                self._material.keep_outcome(place, outcome)

    def _place(self, name: str) -> Place:
        return Place(self._moment.job_id, self._moment.batch, name)


def name_of(about: Cluster | Failing) -> str:
    """The item's name: the same for the same texts."""
    return f"{'merge' if isinstance(about, Cluster) else 'rewrite'}:{about.id}"


def told_of(plan: Plan, decisions: Sequence[tuple[Cluster | Failing, Decision]]) -> list[Told]:
    """What is planned and decided, before it is applied."""
    told = [
        _told(f"remove:{r.experience_id}", "remove", [r.experience_id], [{"why": r.why}])
        for r in plan.removals
    ]
    told += [_told(f"unite:{u.id}", "unite", [e.id for e in u.members], []) for u in plan.unions]
    told += [
        _told(f"merge:refused:{','.join(s.experience_ids)}"[:255], "merge", s.experience_ids, [], refusal=s)
        for s in plan.refused
    ]
    for about, decision in decisions:
        members = about.members if isinstance(about, Cluster) else (about.experience,)
        kind = "merge" if isinstance(about, Cluster) else "rewrite"
        texts = [
            {"when_to_use": c.operation.when_to_use, "content": c.operation.content}  # type: ignore[union-attr]
            for c in decision.changes
        ]
        refusal = decision.skipped[0] if decision.skipped else None
        told.append(_told(name_of(about), kind, [e.id for e in members], texts, refusal=refusal))
    return told


def bound_told(why: Mapping[str, str], skipped: Sequence[Mapping[str, Any]]) -> list[Told]:
    """What went for the bound's sake."""
    told = [_told(f"bound:{i}", "bound", [i], [{"why": reason}]) for i, reason in why.items()]
    return applied(told, skipped, {})


def applied(
    told: Sequence[Told],
    skipped: Sequence[Mapping[str, Any]],
    made: Mapping[tuple[str, str], str],
) -> list[Told]:
    """The same once it is in the bank: with the ids of what was made, and what was stale after all."""
    stale = {i: s for s in skipped for i in s["experience_id"].split(", ")}
    found = []
    for one in told:
        late = next((stale[i] for i in one["experience_ids"] if i in stale), None)
        if late and one["refusal"] is None:
            reason = {"reason": "stale", "detail": late["why"]}
            found.append({**one, "result": [], "refusal": reason})
            continue
        result = [
            {**r, "experience_id": made[r["when_to_use"], r["content"]]}
            if (r.get("when_to_use"), r.get("content")) in made
            else r
            for r in one["result"]
        ]
        found.append({**one, "result": result})
    return found


def _told(
    item: str,
    kind: str,
    experience_ids: Collection[str],
    result: Sequence[Told],
    *,
    refusal: Skipped | None = None,
) -> Told:
    why = None if refusal is None else {n: v for n, v in asdict(refusal).items() if n != "experience_ids"}
    return {
        "item": item,
        "kind": kind,
        "experience_ids": list(experience_ids),
        "result": list(result),
        "refusal": why,
    }


def made_at(bank: Bank, revision: int) -> dict[tuple[str, str], str]:
    """The ids of what a revision brought into being, by their texts."""
    found = bank.made_at(revision)
    return {(e.when_to_use, e.content): e.id for e in found}
