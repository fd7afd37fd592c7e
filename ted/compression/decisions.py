"""What was decided for a part of a plan, and several decisions as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ted.bank.changes import Change
from ted.compression.plan import Skipped


@dataclass(frozen=True, slots=True)
class Decision:
    """The changes to make, what is left undone, and the refusals to remember by their signatures."""

    changes: tuple[Change, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    refusals: Mapping[str, str] = field(default_factory=dict)


def joined(decisions: Iterable[Decision]) -> Decision:
    """All of them, in order."""
    whole = Decision()
    for one in decisions:
        whole = Decision(
            whole.changes + one.changes, whole.skipped + one.skipped, {**whole.refusals, **one.refusals}
        )
    return whole
