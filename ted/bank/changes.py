"""Changes of a bank as values, and what became of them. Writing them is ted/bank/writer's affair."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from ted.bank.states import State
from ted.experience import Key, Status
from ted.operations import Operation


@dataclass(frozen=True, slots=True)
class SetStatus:
    """Retire, restore, approve or reject an experience."""

    experience_id: str
    status: Status


@dataclass(frozen=True, slots=True)
class SetPinned:
    """Pin an experience, so that compression never touches it, or let it go."""

    experience_id: str
    pinned: bool


@dataclass(frozen=True, slots=True)
class AddKeys:
    """More keys for an experience: another question that it answers."""

    experience_id: str


@dataclass(frozen=True, slots=True)
class Judge:
    """What further trials of a candidate came to: its status, and the gate's evidence so far. Of this version only."""

    experience_id: str
    version: int
    status: Status
    gate: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HoldBack:
    """Take out of use, until somebody reviews it, what a stranger wrote. `found`: what speaks against it."""

    experience_id: str
    found: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Review:
    """What was held back is accepted, and takes the place of what it was written for; or it is rejected."""

    experience_id: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Edit:
    """An operator's change, whatever the status and even if pinned; None leaves a field as it is.

    `only_if`: tags of which the experience must have one at that moment, else nothing is changed; None: no condition.
    """

    experience_id: str
    when_to_use: str | None = None
    content: str | None = None
    status: Status | None = None
    pinned: bool | None = None
    tags: tuple[str, ...] | None = None
    only_if: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Unmerge:
    """Retire a merged experience and restore its parents; compression does not merge those again. By hand only."""

    experience_id: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """Bring experiences back to these states. The change that holds it brings the keys of all of them.

    `by_job`: the writing job that undoes what it did itself; else there must be none.
    """

    states: tuple[State, ...]
    by_job: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change, the keys that come with it, and where it came from.

    `status` of what it makes anew, and what the gate found of that, if it was tried.
    """

    operation: (
        Operation | SetStatus | SetPinned | AddKeys | Edit | Judge | Unmerge | RollBack | HoldBack | Review
    )
    keys: tuple[Key, ...] = ()
    tags: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    status: Status = "active"
    gate: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A change that was not made, and why; `sample` is that of its provenance, if any."""

    operation: str
    experience_id: str
    why: str
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a list of changes: the revision, how many of each were made, and the ones skipped."""

    revision: int
    counts: dict[str, int]
    skipped: tuple[Skip, ...] = ()

    def report(self) -> dict[str, Any]:
        """As JSON, kept with the revision."""
        return {"counts": self.counts, "skipped": [asdict(s) for s in self.skipped]}

    @staticmethod
    def from_report(revision: int, report: dict[str, Any]) -> Applied:
        """The inverse of `report`."""
        return Applied(revision, report["counts"], tuple(Skip(**s) for s in report["skipped"]))


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a bank changes: the reason, and for a job its id, epoch and batch, for which it changes once only."""

    reason: str
    job_id: str | None = None
    epoch: int | None = None
    batch: int | None = None
