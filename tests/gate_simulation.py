"""How often each gate admits what harms and rejects what helps, and at what price: `python -m tests.gate_simulation`.

Students are coins: a question has a difficulty of its own, and an experience moves P(right) on its own sample and on the
neighbours for which it is retrieved. Draws of a pair share half of their luck, as shared seeds make them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ted.gate.trying import NEIGHBOURS, ROUNDS
from ted.gate.verdict import GATES, Evidence, GatePolicy, decided, verdict

SHARED_LUCK = 0.5


@dataclass(frozen=True, slots=True)
class Kind:
    """What an experience of this kind does to P(right), on its own sample and on neighbours."""

    name: str
    own: float
    neighbours: float


KINDS = (
    Kind("general: helps everywhere", 0.4, 0.25),
    Kind("special: helps its own sample alone", 0.5, 0.0),
    Kind("idle: changes nothing", 0.0, 0.0),
    Kind("overfitted: helps its own, harms others", 0.5, -0.25),
    Kind("wrong: harms everywhere", -0.2, -0.25),
)


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of candidates by verdict, and calls of the student a candidate."""

    active: float
    candidate: float
    rejected: float
    calls: float


def tried(kind: Kind, policy: GatePolicy, chance: np.random.Generator) -> Evidence:
    """The trials of one candidate, as ted/gate/trying makes them; its own sample is one that the student gets wrong."""
    evidence = Evidence()
    if policy == "none":
        return evidence
    found = 1 if policy == "sample" else int(chance.integers(1, NEIGHBOURS + 1))
    bases = chance.uniform(0.05, 0.45, found) if policy == "sample" else chance.uniform(0.1, 0.9, found)
    lift = kind.own if policy == "sample" else kind.neighbours
    for _ in range(ROUNDS[policy]):
        for base in bases:
            luck = chance.random()
            other = luck if chance.random() < SHARED_LUCK else chance.random()
            evidence = evidence.with_pair(right_with=luck < base + lift, right_without=other < base)
        if decided(evidence):
            break
    return evidence


def rates(kind: Kind, policy: GatePolicy, *, candidates: int = 4000, seed: int = 0) -> Rates:
    """Over so many candidates of the kind."""
    chance = np.random.default_rng(seed)
    found = [tried(kind, policy, chance) for _ in range(candidates)]
    verdicts = [verdict(evidence) for evidence in found]
    active, kept, rejected = (verdicts.count(v) / candidates for v in ("active", "candidate", "rejected"))
    return Rates(active, kept, rejected, 2 * sum(e.pairs for e in found) / candidates)


def table() -> Iterator[str]:
    """In Markdown."""
    yield "| experience | gate | active | candidate | rejected | calls |"
    yield "|---|---|---|---|---|---|"
    for kind in KINDS:
        for policy in GATES:
            r = rates(kind, policy)
            yield (
                f"| {kind.name} | `{policy}` | {r.active:.0%} | {r.candidate:.0%} | {r.rejected:.0%} | {r.calls:.1f} |"
            )


if __name__ == "__main__":
    print("\n".join(table()))
