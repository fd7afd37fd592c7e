"""Clusters among planted near-duplicates and planted conflicts, embedded by the packaged MiniLM."""

from __future__ import annotations

from itertools import combinations

import pytest

from index.embedders.sentence import PACKAGED, SentenceEmbedder
from ted.compression.clusters import clusters_of
from ted.compression.settings import CompressionSettings
from ted.experience import Experience
from tests.planted import CONFLICTS, GROUPS

GROUP_IDS = [frozenset(f"group {n}.{m}" for m in range(len(group))) for n, group in enumerate(GROUPS)]
CONFLICT_IDS = [frozenset((f"conflict {n}.0", f"conflict {n}.1")) for n in range(len(CONFLICTS))]


@pytest.fixture(scope="module")
def embedder() -> SentenceEmbedder:
    return SentenceEmbedder(PACKAGED)


@pytest.fixture(scope="module")
def planted() -> list[Experience]:
    texts = {f"group {n}.{m}": t for n, group in enumerate(GROUPS) for m, t in enumerate(group)}
    texts |= {f"conflict {n}.{m}": t for n, pair in enumerate(CONFLICTS) for m, t in enumerate(pair)}
    return [Experience(name, 1, *text) for name, text in texts.items()]


@pytest.fixture(scope="module")
def clusters(planted: list[Experience], embedder: SentenceEmbedder) -> list[frozenset[str]]:
    vectors = embedder.embed_texts([e.text for e in planted])
    found = clusters_of(planted, vectors, CompressionSettings())
    return [frozenset(e.id for e in cluster) for cluster in found]


def pairs(groups: list[frozenset[str]]) -> set[frozenset[str]]:
    return {frozenset(pair) for group in groups for pair in combinations(group, 2)}


def test_each_planted_group_is_one_cluster(clusters: list[frozenset[str]]) -> None:
    assert len(GROUPS) >= 20
    assert [group for group in GROUP_IDS if group not in clusters] == []


def test_no_conflicting_pair_is_in_one_cluster(clusters: list[frozenset[str]]) -> None:
    assert len(CONFLICTS) >= 20
    assert [pair for pair in CONFLICT_IDS if any(pair <= cluster for cluster in clusters)] == []


def test_precision_and_recall_of_pairs_are_whole(clusters: list[frozenset[str]]) -> None:
    found, wanted = pairs(clusters), pairs(GROUP_IDS)

    assert len(found & wanted) / len(found) == 1.0
    assert len(found & wanted) / len(wanted) == 1.0


def test_most_conflicting_pairs_would_be_near_duplicates_but_for_their_conflict(
    planted: list[Experience], embedder: SentenceEmbedder
) -> None:
    by_id = {e.id: e for e in planted}
    couples = [[by_id[i] for i in sorted(pair)] for pair in CONFLICT_IDS]

    cosines = [float(a @ b) for a, b in (embedder.embed_texts([e.text for e in c]) for c in couples)]

    near = [cosine for cosine in cosines if cosine >= CompressionSettings().near]
    assert len(near) > len(cosines) / 2
