"""Clusters of near-duplicates: complete links, bounded size, nothing conflicting together."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.clusters import near_duplicates
from index.protocols import Vectors
from index.vectors import unit


def never(a: int, b: int) -> bool:
    return False


def at_angles(*degrees: float) -> Vectors:
    radians = np.radians(degrees)
    return unit(np.stack([np.cos(radians), np.sin(radians)], axis=1))


def test_near_rows_stand_together_and_others_in_no_cluster() -> None:
    rows = at_angles(0, 90, 2, 180, 91, 1)

    assert near_duplicates(rows, threshold=0.99, max_size=6, conflicting=never) == [(0, 2, 5), (1, 4)]


def test_no_rows_and_one_row_have_no_clusters() -> None:
    for rows in (np.empty((0, 3), np.float32), at_angles(10)):
        assert near_duplicates(rows, threshold=0.9, max_size=6, conflicting=never) == []


def test_a_chain_stays_split_where_its_ends_are_not_alike() -> None:
    # 10 degrees are 0.985, 11 are 0.982, 21 are 0.934.
    rows = at_angles(0, 10, 21)

    assert near_duplicates(rows, threshold=0.95, max_size=6, conflicting=never) == [(0, 1)]


def test_the_most_similar_pair_goes_first() -> None:
    rows = at_angles(0, 11, 21)

    assert near_duplicates(rows, threshold=0.95, max_size=6, conflicting=never) == [(1, 2)]


def test_the_threshold_itself_is_near_enough() -> None:
    rows = unit([[1, 0], [0.6, 0.8]])
    cosine = float(np.float32(0.6))

    assert near_duplicates(rows, threshold=cosine, max_size=6, conflicting=never) == [(0, 1)]
    assert near_duplicates(rows, threshold=cosine + 1e-6, max_size=6, conflicting=never) == []


@pytest.mark.parametrize("max_size", [2, 3, 6])
def test_a_cluster_is_no_larger_than_asked(max_size: int) -> None:
    rows = unit(np.ones((13, 4)))

    clusters = near_duplicates(rows, threshold=0.9, max_size=max_size, conflicting=never)

    assert max(len(cluster) for cluster in clusters) == max_size
    assert clusters[0] == tuple(range(max_size))
    assert sum(len(cluster) for cluster in clusters) >= 12


def test_conflicting_rows_never_stand_together() -> None:
    rows = unit(np.ones((6, 4)))

    clusters = near_duplicates(rows, threshold=0.9, max_size=6, conflicting=lambda a, b: (a + b) % 2 == 1)

    assert clusters == [(0, 2, 4), (1, 3, 5)]


def test_each_pair_is_asked_about_at_most_once_and_only_if_alike() -> None:
    asked: list[tuple[int, int]] = []

    def conflicting(a: int, b: int) -> bool:
        asked.append((a, b))
        return a == 0

    near_duplicates(at_angles(0, 1, 2, 3, 90), threshold=0.99, max_size=6, conflicting=conflicting)

    assert len(asked) == len(set(asked))
    assert all(a < b < 4 for a, b in asked)


def test_rows_of_zeros_are_like_nothing() -> None:
    rows = np.zeros((3, 4), dtype=np.float32)

    assert near_duplicates(rows, threshold=0.1, max_size=6, conflicting=never) == []


def test_planted_groups_are_found_whatever_the_order_of_rows() -> None:
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(700, 64))
    group = np.repeat(np.arange(700), chance.integers(1, 4, size=700))
    rows = unit(centres[group] + 0.05 * chance.normal(size=(len(group), 64)))
    planted = {frozenset(np.flatnonzero(group == g).tolist()) for g in range(700) if (group == g).sum() > 1}

    for order in (np.arange(len(rows)), chance.permutation(len(rows))):
        clusters = near_duplicates(rows[order], threshold=0.9, max_size=6, conflicting=never)
        assert {frozenset(order[list(cluster)].tolist()) for cluster in clusters} == planted


def test_equal_similarities_give_the_same_sizes_whatever_the_order_of_rows() -> None:
    rows = unit(np.repeat(np.random.default_rng(0).normal(size=(3, 24)), [7, 4, 2], axis=0))

    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(rows))
        clusters = near_duplicates(rows[order], threshold=0.99, max_size=6, conflicting=never)
        assert sorted(len(cluster) for cluster in clusters) == [2, 4, 6]


@pytest.mark.parametrize(("threshold", "max_size"), [(0.0, 6), (1.1, 6), (0.9, 1)])
def test_bounds_that_make_no_sense_are_an_error(threshold: float, max_size: int) -> None:
    with pytest.raises(ValueError, match=r"threshold|max_size"):
        near_duplicates(at_angles(0, 1), threshold=threshold, max_size=max_size, conflicting=never)


@settings(max_examples=60, deadline=None)
@given(
    degrees=st.lists(st.integers(0, 90), max_size=25),
    conflicts=st.sets(st.tuples(st.integers(0, 24), st.integers(0, 24))),
    max_size=st.integers(2, 5),
)
def test_every_two_in_a_cluster_are_alike_and_no_two_clusters_could_be_one(
    degrees: list[int], conflicts: set[tuple[int, int]], max_size: int
) -> None:
    rows = at_angles(*degrees) if degrees else np.empty((0, 2), np.float32)

    def alike(a: int, b: int) -> bool:
        return float(rows[a] @ rows[b]) >= 0.95 and (a, b) not in conflicts

    found = near_duplicates(
        rows, threshold=0.95, max_size=max_size, conflicting=lambda a, b: (a, b) in conflicts
    )

    assert all(alike(a, b) for cluster in found for a, b in combinations(cluster, 2))
    taken = [row for cluster in found for row in cluster]
    assert len(taken) == len(set(taken))
    alone = [(row,) for row in range(len(rows)) if row not in taken]
    for one, other in combinations(found + alone, 2):
        fits = len(one) + len(other) <= max_size
        assert not (fits and all(alike(min(a, b), max(a, b)) for a in one for b in other))
