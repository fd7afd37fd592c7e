"""Which changes are held back for a review, and what is kept of that. Used in the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from ted.bank.changes import Change
from ted.bank.tables import ExperienceRow
from ted.experience import Status
from ted.injections import Injection, injection_in_experience
from ted.operations import Add, Merge, Rewrite

SERVED: tuple[Status, ...] = ("active", "candidate")

CHANGEABLE = SERVED
"""Statuses of experiences that operations and new keys may touch."""


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


def by_hand(*, accepted: bool) -> dict[str, Any]:
    """The same for what an operator quarantined without a finding, once it is reviewed."""
    return {"kind": "by_hand", "field": "", "passage": "", "instead_of": [], "accepted": accepted}


def held_again(row: ExperienceRow, found: Injection) -> dict[str, Any]:
    """The same for an experience that has a past: which of its texts were accepted stays known."""
    known = {name: (row.quarantine or {})[name] for name in (_TEXTS,) if name in (row.quarantine or {})}
    return {**quarantine_of(found), **known}


def may_be_served(row: ExperienceRow, when_to_use: str, content: str) -> Injection | None:
    """What speaks against an earlier text of an experience; nothing where a reviewer accepted that one."""
    if _digest(when_to_use, content) in (row.quarantine or {}).get(_TEXTS, ()):
        return None
    return injection_in_experience(when_to_use, content)


def written_for(session: Session, row: ExperienceRow) -> list[ExperienceRow]:
    """What it was written in place of, as far as that is still what it was and may be touched."""
    found = []
    for experience_id, version in (row.quarantine or {}).get("instead_of", ()):
        other = session.get(ExperienceRow, experience_id)
        if other is None or (other.bank_id, other.version) != (row.bank_id, version):
            continue
        if other.status in CHANGEABLE and not other.pinned:
            found.append(other)
    return found


def reviewed(row: ExperienceRow, *, accepted: bool) -> dict[str, Any] | None:
    """What is kept, with what a reviewer said of the present text; None where nothing speaks against it."""
    found = injection_in_experience(row.when_to_use, row.content)
    if found is None and row.quarantine is None:
        return None
    kept = row.quarantine or (quarantine_of(found) if found else {})
    texts = set(kept.get(_TEXTS, ()))
    digest = {_digest(row.when_to_use, row.content)}
    texts = texts | digest if accepted else texts - digest
    return {**kept, "accepted": accepted, _TEXTS: sorted(texts)}


_TEXTS = "accepted_texts"
"""By their digests: an earlier one may come back by a rollback."""


def _digest(when_to_use: str, content: str) -> str:
    return hashlib.sha256(f"{when_to_use}\n{content}".encode()).hexdigest()[:16]
