"""What came of working on one sample, as a value and as the JSON kept with its item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ted.bank.changes import Change
from ted.bank.codec import change_from_json, change_to_json

SkipReason = Literal[
    "unparsable_attempt",
    "unparsable_solution",
    "unparsable_compression",
    "unparsable_critique",
    "unparsable_mend",
    "guard",
    "quarantined",
    "conflict",
    "stale",
    "same_batch",
    "gate",
    "no_majority",
    "unlabelled",
]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something a model wrote that was not used, and why; counted and listed in the report."""

    sample_id: str
    reason: SkipReason
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one sample: the share of right trajectories, the changes proposed, and what was skipped.

    `correct` is None where nothing was attempted; of an unlabelled sample it is against `stand_in`.
    `trials`: what it says of candidates that were kept before, as ted/distillation/gating has it.
    """

    sample_id: str
    correct: float | None
    solved: bool | None = None
    rationalised: bool = False
    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    mended: int = 0
    error_types: Mapping[str, int] = field(default_factory=dict)
    trials: tuple[dict[str, Any], ...] = ()
    unlabelled: bool = False
    stand_in: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As kept with the item."""
        return {
            "sample_id": self.sample_id,
            "correct": self.correct,
            "solved": self.solved,
            "rationalised": self.rationalised,
            "changes": [change_to_json(c) for c in self.changes],
            "skipped": [asdict(s) for s in self.skipped],
            "mended": self.mended,
            "error_types": dict(self.error_types),
            "trials": list(self.trials),
            "unlabelled": self.unlabelled,
            "stand_in": self.stand_in,
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> Outcome:
        """The inverse of `to_json`."""
        read = {
            "changes": tuple(change_from_json(c) for c in value["changes"]),
            "skipped": tuple(Skipped(**s) for s in value["skipped"]),
            "trials": tuple(value.get("trials", ())),
        }
        return Outcome(**(value | read))
