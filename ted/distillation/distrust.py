"""What a sample without a reference may not do: teachers that agree may still be wrong.

It teaches, but is no evidence, neither on what the bank has nor on what it adds; ADR 0025.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ted.bank.changes import (
    AddKeys,
    Change,
    Edit,
    HoldBack,
    Judge,
    Review,
    RollBack,
    SetPinned,
    SetStatus,
    Unmerge,
)
from ted.distillation.outcome import Skipped
from ted.operations import Add, Merge, Remove, Rewrite
from ted.sample import Sample


def allowed(
    changes: Sequence[Change], sample: Sample, unlabelled: Collection[str]
) -> tuple[tuple[Change, ...], tuple[Skipped, ...]]:
    """The changes that the sample may make, and the others: it does not touch a text that somebody's reference stands
    behind. `unlabelled`: the experiences without one."""
    if not sample.unlabelled:
        return tuple(changes), ()
    passed = []
    skipped = []
    for change in changes:
        if touched := [i for i in touched_by(change) if i not in unlabelled]:
            told = f"{type(change.operation).__name__} of {touched[0]}, which was made from a sample with a reference"
            skipped.append(Skipped(sample.id, "unlabelled", told))
        else:
            passed.append(change)
    return tuple(passed), tuple(skipped)


def touched_by(change: Change) -> tuple[str, ...]:
    """The experiences whose text or status the change would take away."""
    match change.operation:
        case Rewrite(experience_id) | Remove(experience_id):
            return (experience_id,)
        case Merge(experience_ids):
            return experience_ids
        case Add() | AddKeys() | Judge() | HoldBack():
            return ()
        case SetStatus() | SetPinned() | Edit() | Review() | Unmerge() | RollBack():
            return ()  # by hand
