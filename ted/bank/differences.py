"""What differs between two states of a bank's experiences. Reading the states is ted/bank/states'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ted.bank.states import State
from ted.experience import Key


@dataclass(frozen=True, slots=True)
class Pair:
    """An experience before and after."""

    before: State
    after: State


@dataclass(frozen=True, slots=True)
class OtherKeys:
    """The keys that an experience gained and lost, its wording aside."""

    experience_id: str
    gained: tuple[Key, ...]
    lost: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed; an experience may be in several lists. Ids are in the order in which experiences were made.

    `added`: not there before, there and not retired after; `removed`: retired after, or not there at all; `restored`:
    retired before, not after; `unknown`: experiences whose keys, tags or pin one of the revisions did not keep.
    """

    added: tuple[State, ...] = ()
    removed: tuple[State, ...] = ()
    restored: tuple[State, ...] = ()
    rewritten: tuple[Pair, ...] = ()
    status_changed: tuple[Pair, ...] = ()
    keys_changed: tuple[OtherKeys, ...] = ()
    pin_or_tags_changed: tuple[Pair, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed, as far as is known."""
        return self == Difference(unknown=self.unknown)


def difference(before: Mapping[str, State], after: Mapping[str, State]) -> Difference:
    """From the states before to those after, by experience."""
    pairs = [Pair(state, after[i]) for i, state in before.items() if i in after]
    both = [p for p in pairs if not (_gone(p.before) and _gone(p.after))]
    fallen = [p for p in both if not _gone(p.before) and _gone(p.after)]
    undone = [state for i, state in before.items() if i not in after and not _gone(state)]
    return Difference(
        added=tuple(state for i, state in after.items() if i not in before and not _gone(state)),
        removed=tuple(sorted([p.before for p in fallen] + undone, key=lambda s: s.experience_id)),
        restored=tuple(p.after for p in both if _gone(p.before) and not _gone(p.after)),
        rewritten=tuple(p for p in both if _text(p.before) != _text(p.after)),
        status_changed=tuple(
            p
            for p in both
            if p.before.status != p.after.status and not _gone(p.before) and not _gone(p.after)
        ),
        keys_changed=tuple(other for p in both if (other := _other_keys(p))),
        pin_or_tags_changed=tuple(p for p in both if _other_marks(p)),
        unknown=tuple(p.before.experience_id for p in both if not (p.before.is_whole and p.after.is_whole)),
    )


def _gone(state: State) -> bool:
    return state.status == "retired"


def _text(state: State) -> tuple[str, str]:
    return state.when_to_use, state.content


def _other_keys(pair: Pair) -> OtherKeys | None:
    before, after = pair.before.sources, pair.after.sources
    if before is None or after is None or set(before) == set(after):
        return None
    return OtherKeys(
        pair.before.experience_id,
        gained=tuple(key for key in after if key not in before),
        lost=tuple(key for key in before if key not in after),
    )


def _other_marks(pair: Pair) -> bool:
    before, after = pair.before, pair.after
    pin = None not in (before.pinned, after.pinned) and before.pinned != after.pinned
    return pin or (None not in (before.tags, after.tags) and before.tags != after.tags)
