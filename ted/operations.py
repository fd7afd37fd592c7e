"""The four operations a teacher may propose on a bank, as a closed union. Applying them is ted/bank's affair."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Add:
    """A new experience."""

    when_to_use: str
    content: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A better text for an experience that is there."""

    experience_id: str
    when_to_use: str
    content: str


@dataclass(frozen=True, slots=True)
class Merge:
    """One experience in place of several."""

    experience_ids: tuple[str, ...]
    when_to_use: str
    content: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Retire an experience."""

    experience_id: str


Operation = Add | Rewrite | Merge | Remove
