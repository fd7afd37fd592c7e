"""The keys of a merge: those of all its parents, most distinct first, none of them unrepresented while there is room."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from ted.bank.changes import Change
from ted.bank.embedding import KeyVectors, most_distinct_first
from ted.bank.holding import held_back
from ted.bank.rows import experiences_of, keys_of
from ted.bank.tables import ExperienceRow
from ted.experience import Experience, Key
from ted.operations import Merge, Rewrite


@dataclass(frozen=True, slots=True)
class Union:
    """A change with the keys it may bring. `groups`: of a merge, the keys that each parent lends; else nothing."""

    change: Change
    groups: tuple[tuple[Key, ...], ...] = ()

    def most_distinct_first(self, vectors: KeyVectors) -> Change:
        """The change with its keys in the order in which each adds the most, one of each parent before all others.

        Only the first few keys of a change are kept; a change that is no merge stays as it is.
        """
        operation = self.change.operation
        if not isinstance(operation, Merge):
            return self.change
        wording = (Key("when_to_use", operation.when_to_use),)
        order = most_distinct_first(self.change.keys, vectors, after=wording)
        first: list[Key] = []
        for group in self.groups:
            if not set(group) & set(first):
                first += [key for key in order if key in group][:1]
        return replace(self.change, keys=tuple(dict.fromkeys((*first, *order))))


def with_parents_keys(session: Session, bank_id: str, change: Change) -> Union:
    """A merge unites the keys of its parents with its own; METHOD "Retrieval".

    A rewrite that is held back will be an experience of its own, which brings the keys of the other.
    """
    if isinstance(change.operation, Rewrite) and held_back(change):
        return Union(replace(change, keys=(*_others(session, change.operation.experience_id), *change.keys)))
    if not isinstance(change.operation, Merge):
        return Union(change)
    rows = [session.get(ExperienceRow, i) for i in change.operation.experience_ids]
    parents = experiences_of(session, [row for row in rows if row is not None and row.bank_id == bank_id])
    groups = tuple(_lent(parent, change.operation.when_to_use) for parent in parents)
    keys = (*change.keys, *(key for group in groups for key in group))
    return Union(replace(change, keys=tuple(dict.fromkeys(keys))), groups)


def _others(session: Session, experience_id: str) -> tuple[Key, ...]:
    return tuple(key for key in keys_of(session, experience_id) if key.kind != "when_to_use")


def _lent(parent: Experience, when_to_use: str) -> tuple[Key, ...]:
    """What a parent was found by; one known by its wording alone lends that as a question, if it is not kept anyway."""
    others = tuple(key for key in parent.keys if key.kind != "when_to_use")
    known = others or parent.when_to_use == when_to_use
    return others if known else (Key("question", parent.when_to_use),)
