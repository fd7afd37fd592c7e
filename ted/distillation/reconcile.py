"""What the samples of a batch propose, brought into one list of changes, in sample order. Pure; METHOD "Distillation"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from index.protocols import Vectors
from ted.bank.changes import AddKeys, Change
from ted.bank.conflicts import conflicting
from ted.bank.holding import held_back
from ted.distillation.outcome import Outcome, Skipped
from ted.distillation.screening import DUPLICATE
from ted.operations import Add, Merge, Remove, Rewrite


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The changes to apply, and what was left out of them."""

    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...]
    united: int


def added_texts(outcomes: Sequence[Outcome]) -> list[str]:
    """`when_to_use + content` of every proposed Add, in sample order: what `reconcile` wants the vectors of."""
    return [
        f"{c.operation.when_to_use}\n{c.operation.content}"
        for outcome in outcomes
        for c in outcome.changes
        if isinstance(c.operation, Add)
    ]


def reconcile(outcomes: Sequence[Outcome], vectors: Vectors) -> Reconciled:
    """One list. An Add that says what an earlier one of the batch says unites its keys with that one's.

    The second change of an experience in a batch is skipped, but for its keys; what is held back changes none.
    `vectors`: of `added_texts`, in order.
    """
    changes: list[Change] = []
    keys_only: list[Change] = []
    skipped: list[Skipped] = []
    rows: list[tuple[int, int]] = []  # (position in changes, row in vectors) of each Add kept
    touched: set[str] = set()
    row = united = 0
    for outcome in outcomes:
        for change in outcome.changes:
            operation = change.operation
            if isinstance(operation, Add):
                twin = _twin(changes, rows, row, change, vectors)
                if twin is None:
                    rows.append((len(changes), row))
                    changes.append(change)
                else:
                    changes[twin] = _united(changes[twin], change)
                    united += 1
                row += 1
            elif isinstance(operation, AddKeys):
                keys_only.append(change)
            elif held_back(change):
                changes.append(change)
            elif again := _ids(operation) & touched:
                skipped.append(
                    Skipped(
                        outcome.sample_id,
                        "same_batch",
                        f"{sorted(again)[0]} is changed in this batch already",
                    )
                )
                if isinstance(operation, Rewrite):
                    keys_only.append(replace(change, operation=AddKeys(operation.experience_id)))
            else:
                touched |= _ids(operation)
                changes.append(change)
    return Reconciled((*changes, *keys_only), tuple(skipped), united)


def _united(earlier: Change, later: Change) -> Change:
    """The earlier change with keys, tags and sample of the later one that says the same."""
    samples = [*earlier.provenance.get("united", []), later.provenance.get("sample")]
    both = earlier.provenance if later.provenance.get("unlabelled") else _vouched(earlier.provenance)
    return replace(
        earlier,
        keys=tuple(dict.fromkeys(earlier.keys + later.keys)),
        tags=tuple(dict.fromkeys(earlier.tags + later.tags)),
        provenance=both | {"united": samples},
    )


def _vouched(provenance: dict[str, Any]) -> dict[str, Any]:
    """A reference says the same."""
    return {name: value for name, value in provenance.items() if name != "unlabelled"}


def _twin(
    changes: Sequence[Change],
    rows: Sequence[tuple[int, int]],
    row: int,
    change: Change,
    vectors: Vectors,
) -> int | None:
    operation = change.operation
    assert isinstance(operation, Add)
    for position, other in rows:
        earlier = changes[position].operation
        assert isinstance(earlier, Add)
        alike = changes[position].status == change.status  # the gate may have judged two twins differently
        near = alike and float(vectors[row] @ vectors[other]) >= DUPLICATE
        if near and not conflicting(
            f"{earlier.when_to_use}\n{earlier.content}", f"{operation.when_to_use}\n{operation.content}"
        ):
            return position
    return None


def _ids(operation: object) -> set[str]:
    match operation:
        case Rewrite(experience_id) | Remove(experience_id):
            return {experience_id}
        case Merge(experience_ids):
            return set(experience_ids)
        case _:
            return set()
