"""Which changes are held back for a review, and what is kept of that. Used in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ted.bank.changes import Change
from ted.bank.tables import ExperienceRow
from ted.experience import Status
from ted.injections import Injection, injection_in_experience
from ted.operations import Add, Merge, Rewrite

SERVED: tuple[Status, ...] = ("active", "candidate")


def held_back(change: Change) -> Injection | None:
    """What speaks against the text that the change would bring, whoever wrote it."""
    match change.operation:
        case Add(when_to_use, content) | Rewrite(_, when_to_use, content) | Merge(_, when_to_use, content):
            return injection_in_experience(when_to_use, content)
        case _:
            return None


def quarantine_of(found: Injection, *, instead_of: Sequence[ExperienceRow] = ()) -> dict[str, Any]:
    """As kept with the experience: what was found, and the versions that it was written in place of."""
    return {**found.to_json(), "instead_of": [[row.id, row.version] for row in instead_of], "accepted": None}


def may_be_served(row: ExperienceRow, when_to_use: str, content: str) -> Injection | None:
    """What speaks against an earlier text of an experience; nothing where a reviewer accepted that one."""
    accepted = bool(row.quarantine and row.quarantine.get("accepted"))
    if accepted and (when_to_use, content) == (row.when_to_use, row.content):
        return None
    return injection_in_experience(when_to_use, content)


def reviewed(quarantine: Mapping[str, Any] | None, *, accepted: bool) -> dict[str, Any] | None:
    """The same with what a reviewer said."""
    return None if quarantine is None else {**quarantine, "accepted": accepted}
