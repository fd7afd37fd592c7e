"""How many near-duplicates a bank holds, as compression would see them; merging them is a flow's affair."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from index.clusters import near_duplicates
from ted.bank.bank import Bank
from ted.bank.conflicts import conflicting

THRESHOLD = 0.90
MOST = 6
"""METHOD "Compression": cosine of `when_to_use + content`, and the size of a cluster."""


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Clusters of active experiences that say nearly the same, and how many experiences are in them."""

    clusters: int
    experiences: int


async def count_near_duplicates(bank: Bank) -> NearDuplicates:
    """Embeds the texts of all active experiences that are not embedded yet: seconds for a large bank."""
    texts = [experience.text for experience in await asyncio.to_thread(bank.experiences)]
    vectors = await bank.embed_texts(texts)
    clusters = await asyncio.to_thread(
        near_duplicates,
        vectors,
        threshold=THRESHOLD,
        max_size=MOST,
        conflicting=lambda a, b: conflicting(texts[a], texts[b]),
    )
    return NearDuplicates(len(clusters), sum(map(len, clusters)))
