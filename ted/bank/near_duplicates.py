"""Near-duplicates in a bank, as compression would see them; merging them is a flow's affair."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from index.clusters import near_duplicates
from ted.bank.bank import Bank
from ted.bank.conflicts import conflicting
from ted.experience import Experience

THRESHOLD = 0.90
MOST = 6
"""METHOD "Compression": cosine of `when_to_use + content`, and the size of a cluster."""

Cluster = tuple[Experience, ...]


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Clusters of active experiences that say nearly the same, and how many experiences are in them."""

    clusters: int
    experiences: int


async def clusters_of_near_duplicates(bank: Bank) -> list[Cluster]:
    """Embeds the texts of all active experiences that are not embedded yet: seconds for a large bank."""
    experiences = await asyncio.to_thread(bank.experiences)
    texts = [experience.text for experience in experiences]
    vectors = await bank.embed_texts(texts)
    clusters = await asyncio.to_thread(
        near_duplicates,
        vectors,
        threshold=THRESHOLD,
        max_size=MOST,
        conflicting=lambda a, b: conflicting(texts[a], texts[b]),
    )
    return [tuple(experiences[i] for i in cluster) for cluster in clusters]


async def count_near_duplicates(bank: Bank) -> NearDuplicates:
    """How many there are; as costly as finding them."""
    clusters = await clusters_of_near_duplicates(bank)
    return NearDuplicates(len(clusters), sum(map(len, clusters)))
