"""Which experiences of a bank say the same: identical contents, and clusters of near-duplicates. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from index.clusters import near_duplicates
from index.protocols import Vectors
from ted.bank.conflicts import conflicting
from ted.compression.settings import CompressionSettings
from ted.experience import Experience
from ted.texts import normalised

Apart = Callable[[Experience, Experience], bool]
"""Whether two experiences are to stay two, however alike they are."""

MOST_UNITED = 7
"""Identical contents that become one at once: each has a key of its own beside the new wording."""


def never(a: Experience, b: Experience) -> bool:
    """No two are to stay apart."""
    return False


def identical(experiences: Sequence[Experience], apart: Apart = never) -> list[tuple[Experience, ...]]:
    """Groups of two or more with the same content, normalised, whose situations do not conflict."""

    def one(a: Experience, b: Experience) -> bool:
        return not conflicting(a.text, b.text) and not apart(a, b)

    groups: dict[str, list[list[Experience]]] = {}
    for experience in experiences:
        same = groups.setdefault(normalised(experience.content), [])
        for group in same:
            if len(group) < MOST_UNITED and all(one(e, experience) for e in group):
                group.append(experience)
                break
        else:
            same.append([experience])
    return [tuple(group) for same in groups.values() for group in same if len(group) > 1]


def clusters_of(
    experiences: Sequence[Experience],
    vectors: Vectors,
    settings: CompressionSettings,
    apart: Apart = never,
) -> list[tuple[Experience, ...]]:
    """Complete-link clusters of near-duplicates, no two in one conflicting. `vectors`: of their texts, in order."""
    found = near_duplicates(
        vectors,
        threshold=settings.near,
        max_size=settings.cluster_size,
        conflicting=lambda a, b: (
            conflicting(experiences[a].text, experiences[b].text) or apart(experiences[a], experiences[b])
        ),
    )
    return [tuple(experiences[position] for position in cluster) for cluster in found]
