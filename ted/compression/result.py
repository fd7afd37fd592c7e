"""What a compression did, as a value and as JSON; and the moment of a job at which it does so once only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ted.bank.changes import Occasion
from ted.compression.plan import Skipped


@dataclass(frozen=True, slots=True)
class Moment:
    """When in a job: a compression of its own has but one, a distillation one after each batch."""

    job_id: str
    epoch: int = 0
    batch: int = 0

    @property
    def occasion(self) -> Occasion:
        """For what the plan and the teacher change."""
        return Occasion("compression", self.job_id, self.epoch, self.batch)

    @property
    def bound(self) -> Occasion:
        """For what goes so that the bank is within its bound."""
        return Occasion("compression_bound", self.job_id, self.epoch, self.batch)

    @property
    def undoing(self) -> Occasion:
        """For taking all of it back."""
        return Occasion("compression_undone", self.job_id, self.epoch, self.batch)

    @property
    def bound_again(self) -> Occasion:
        """For what goes, that being taken back, so that the bank is within its bound."""
        return Occasion("compression_bound_again", self.job_id, self.epoch, self.batch)

    def call_key(self, cluster_id: str, role: str) -> str:
        return f"{self.job_id}:{self.epoch}:{cluster_id}:{role}:0"


@dataclass(frozen=True, slots=True)
class CompressionResult:
    """What was planned, done and left undone, and why. Counts of `operations` are of both of its steps.

    `teacher_calls`: requests made of the teacher, those answered from the ledger included. `problems`: what keeps the
    bank beyond its bound. `experiences`: the active ones afterwards. In a dry run nothing was done.

    `check`: what validation questions said, if there were any; where that `rolled_back`, `operations` were undone.
    """

    plan: Mapping[str, Any]
    operations: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[str, ...] = ()
    teacher_calls: int = 0
    experiences: int = 0
    revision: int = 0
    dry_run: bool = False
    check: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """For reports."""
        return asdict(self)

    @property
    def asked(self) -> int:
        """Clusters and failing experiences that the teacher was asked about."""
        return len(self.plan["merge"]) + len(self.plan["rewrite"])

    @property
    def unanswered(self) -> tuple[Skipped, ...]:
        """Those of them for which no reply could be had."""
        return tuple(s for s in self.skipped if s.reason == "model_failure")
