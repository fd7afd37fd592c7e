"""Which experiences of a bank say the same: identical contents, and clusters of near-duplicates. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from index.clusters import near_duplicates
from index.protocols import Vectors
from ted.bank.conflicts import conflicting
from ted.compression.settings import CompressionSettings
from ted.experience import Experience
from ted.texts import normalised

MOST_UNITED = 7
"""Identical contents that become one at once: each has a key of its own beside the new wording."""


def identical(experiences: Sequence[Experience]) -> list[tuple[Experience, ...]]:
    """Groups of two or more with the same content, normalised, whose situations do not conflict."""
    groups: dict[str, list[list[Experience]]] = {}
    for experience in experiences:
        same = groups.setdefault(normalised(experience.content), [])
        for group in same:
            if len(group) < MOST_UNITED and not any(conflicting(e.text, experience.text) for e in group):
                group.append(experience)
                break
        else:
            same.append([experience])
    return [tuple(group) for same in groups.values() for group in same if len(group) > 1]


def clusters_of(
    experiences: Sequence[Experience], vectors: Vectors, settings: CompressionSettings
) -> list[tuple[Experience, ...]]:
    """Complete-link clusters of near-duplicates, no two in one conflicting. `vectors`: of their texts, in order."""
    found = near_duplicates(
        vectors,
        threshold=settings.near,
        max_size=settings.cluster_size,
        conflicting=lambda a, b: conflicting(experiences[a].text, experiences[b].text),
    )
    return [tuple(experiences[position] for position in cluster) for cluster in found]
