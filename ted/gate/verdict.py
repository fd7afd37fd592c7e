"""What the trials of a candidate come to: admitted, rejected, or to be tried again. Pure; METHOD "Gate"."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

GatePolicy = Literal["none", "sample", "neighbours"]
GATES: tuple[GatePolicy, ...] = ("none", "sample", "neighbours")
Verdict = Literal["active", "candidate", "rejected"]

MARGIN = 2
"""By so many the regressions must exceed the gains for a rejection, and the gains the regressions for an admission."""

ENOUGH = 40
"""Pairs after which a candidate that is still undecided is rejected: whatever it does, it is little."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of pairs of attempts with and without an experience: right only with it, right only without it, all pairs."""

    gains: int = 0
    regressions: int = 0
    pairs: int = 0

    def with_pair(self, *, right_with: bool, right_without: bool) -> Evidence:
        """One more pair."""
        gained, lost = right_with and not right_without, right_without and not right_with
        return Evidence(self.gains + gained, self.regressions + lost, self.pairs + 1)

    def plus(self, other: Evidence) -> Evidence:
        return Evidence(
            self.gains + other.gains, self.regressions + other.regressions, self.pairs + other.pairs
        )

    def to_json(self) -> dict[str, int]:
        return asdict(self)

    @staticmethod
    def from_json(kept: dict[str, Any] | None) -> Evidence:
        """Of its fields; others may be there. None is no evidence."""
        return Evidence(kept["gains"], kept["regressions"], kept["pairs"]) if kept else Evidence()


def decided(evidence: Evidence) -> Verdict | None:
    """The verdict, or None while more trials may bring one.

    Pairs that come out alike say nothing; the others are the steps of a sequential test that ends at MARGIN on
    either side (Wald's, of a coin that falls for the experience with probability q against one with 1 - q).
    """
    lead = evidence.gains - evidence.regressions
    if lead <= -MARGIN:
        return "rejected"
    if lead >= MARGIN:
        return "active"
    return "rejected" if evidence.pairs >= ENOUGH else None


def verdict(evidence: Evidence) -> Verdict:
    """The verdict once the trials are over: undecided is `candidate`. What no question found does no harm: `active`."""
    if evidence.pairs == 0:
        return "active"
    return decided(evidence) or "candidate"


def told(evidence: Evidence, policy: GatePolicy) -> dict[str, Any]:
    """The evidence and what it came to, as kept with the experience."""
    outcome = verdict(evidence)
    pairs = f"{evidence.pairs} pairs: {evidence.gains} gained, {evidence.regressions} lost"
    if evidence.pairs == 0:
        pairs = "no question of the trial found it"
    return {"policy": policy, "outcome": outcome, "why": pairs, **evidence.to_json()}
