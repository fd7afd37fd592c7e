"""The contract of VectorIndex, kept by FaissIndex and by the exact index that is its reference and fake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import DimensionMismatch, DuplicateId
from index.exact_index import ExactIndex
from index.faiss_index import FaissIndex
from index.protocols import Hit, VectorIndex, Vectors
from index.vectors import unit

NewIndex = Callable[[int], VectorIndex]


@pytest.fixture(params=[FaissIndex, ExactIndex])
def new_index(request: pytest.FixtureRequest) -> NewIndex:
    made: NewIndex = request.param
    return made


def random_rows(count: int, dimension: int, *, seed: int = 0) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(count, dimension)))


def axes(*numbers: int, dimension: int = 4) -> Vectors:
    return np.eye(dimension, dtype=np.float32)[list(numbers)]


def ids_of(hits: list[Hit]) -> list[int]:
    return [hit.id for hit in hits]


def test_the_nearest_come_first_with_their_cosine(new_index: NewIndex) -> None:
    index = new_index(2)
    index.add([1, 2, 3], unit([[1, 0], [0, 1], [1, 1]]))

    [hits] = index.search(unit([[3, 1]]), k=3)

    assert ids_of(hits) == [1, 3, 2]
    assert [hit.similarity for hit in hits] == pytest.approx([3 / 10**0.5, 4 / 20**0.5, 1 / 10**0.5])


def test_each_row_has_hits_of_its_own_in_order(new_index: NewIndex) -> None:
    rows = random_rows(50, 8)
    index = new_index(8)
    index.add(range(50), rows)

    found = index.search(rows, k=1)

    assert [ids_of(hits) for hits in found] == [[i] for i in range(50)]


def test_an_empty_index_gives_empty_lists(new_index: NewIndex) -> None:
    index = new_index(4)

    assert index.search(axes(0, 1), k=3) == [[], []]
    assert index.search(axes(0, 1), k=3, only=[7]) == [[], []]
    assert len(index) == 0


def test_no_rows_give_no_lists(new_index: NewIndex) -> None:
    index = new_index(4)
    index.add([1], axes(0))

    assert index.search(axes(), k=3) == []


def test_k_beyond_the_ids_gives_them_all(new_index: NewIndex) -> None:
    index = new_index(4)
    index.add([5, 6], axes(0, 1))

    assert ids_of(index.search(axes(1), k=100)[0]) == [6, 5]


@pytest.mark.parametrize("k", [0, -1])
def test_a_k_that_asks_for_nothing_is_an_error(new_index: NewIndex, k: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        new_index(4).search(axes(0), k=k)


@pytest.mark.parametrize("k", [1, 3, 39, 40, 60])
def test_ties_fall_to_the_smaller_id_at_every_k(new_index: NewIndex, k: int) -> None:
    index = new_index(16)
    same, other = random_rows(2, 16)
    shuffled = np.random.default_rng(1).permutation(40).tolist()
    index.add(shuffled, np.tile(same, (40, 1)))
    index.add(range(100, 120), np.tile(other, (20, 1)))

    [hits] = index.search(same[np.newaxis], k=k)

    assert ids_of(hits) == [*range(40), *range(100, 120)][:k]


def test_ties_fall_to_the_smaller_id_in_a_large_batch(new_index: NewIndex) -> None:
    index = new_index(16)
    rows = random_rows(5, 16)
    index.add(range(100, 0, -1), np.tile(rows, (20, 1)))

    found = index.search(np.tile(rows, (10, 1)), k=3)

    # Row r lies under 100 - r, 95 - r, ... down to 5 - r.
    assert [ids_of(hits) for hits in found] == [[5 - r, 10 - r, 15 - r] for r in range(5)] * 10


def test_a_query_of_zeros_is_equally_far_from_all(new_index: NewIndex) -> None:
    index = new_index(8)
    index.add(range(30, 0, -1), random_rows(30, 8))

    assert index.search(np.zeros((1, 8), dtype=np.float32), k=2) == [[Hit(1, 0.0), Hit(2, 0.0)]]


def test_a_similarity_never_leaves_the_range_of_a_cosine(new_index: NewIndex) -> None:
    rows = random_rows(200, 24)
    index = new_index(24)
    index.add(range(200), rows)

    similarities = [hit.similarity for hits in index.search(rows, k=200) for hit in hits]

    assert max(similarities) <= 1.0
    assert min(similarities) >= -1.0


def test_ids_may_be_any_of_64_bits(new_index: NewIndex) -> None:
    index = new_index(4)
    ids = [-(2**63), -1, 0, 2**63 - 1]
    index.add(ids, axes(0, 1, 2, 3))

    assert [ids_of(hits) for hits in index.search(axes(0, 1, 2, 3), k=1)] == [[id] for id in ids]
    assert index.vectors([-1]).tolist() == axes(1).tolist()
    assert index.remove([-1, 2**63 - 1]) == 2


def test_an_id_beyond_64_bits_is_an_error_and_changes_nothing(new_index: NewIndex) -> None:
    index = new_index(4)
    index.add([1], axes(0))

    for change in (index.add, index.replace):
        with pytest.raises(OverflowError):
            change([1 + 1, 2**63], axes(1, 2))

    assert index.search(axes(0, 1), k=5) == [[Hit(1, 1.0)], [Hit(1, 0.0)]]


def test_a_removed_id_is_not_found(new_index: NewIndex) -> None:
    index = new_index(4)
    index.add([1, 2, 3], axes(0, 1, 2))

    assert index.remove([2, 2, 99]) == 1

    assert ids_of(index.search(axes(1), k=5)[0]) == [1, 3]
    assert len(index) == 2
    with pytest.raises(KeyError, match="id 2 "):
        index.vectors([2])


def test_a_removed_id_can_be_added_again(new_index: NewIndex) -> None:
    index = new_index(4)
    index.add([1, 2], axes(0, 1))
    index.remove([1])

    index.add([1], axes(3))

    assert ids_of(index.search(axes(3), k=1)[0]) == [1]


def test_a_replaced_row_is_found_by_its_new_vector_only(new_index: NewIndex) -> None:
    index = new_index(4)
    index.add([1, 2], axes(0, 1))

    index.replace([1, 3], axes(2, 3))

    assert len(index) == 3
    assert index.search(axes(0, 2, 3), k=1) == [[Hit(1, 0.0)], [Hit(1, 1.0)], [Hit(3, 1.0)]]


@pytest.mark.parametrize("ids", [[3, 1], [3, 3]])
def test_a_duplicate_id_is_an_error_and_nothing_is_added(new_index: NewIndex, ids: list[int]) -> None:
    index = new_index(4)
    index.add([1], axes(0))

    with pytest.raises(DuplicateId, match=f"id {ids[1]} "):
        index.add(ids, axes(1, 2))

    assert len(index) == 1
    assert index.vectors([1]).tolist() == axes(0).tolist()


def test_an_id_twice_in_one_replacement_is_an_error_and_nothing_is_replaced(new_index: NewIndex) -> None:
    index = new_index(4)
    index.add([1], axes(0))

    with pytest.raises(DuplicateId, match="twice"):
        index.replace([1, 1], axes(1, 2))

    assert index.vectors([1]).tolist() == axes(0).tolist()


def test_another_dimension_is_an_error_and_nothing_is_added(new_index: NewIndex) -> None:
    index = new_index(4)
    wrong = axes(0, dimension=5)

    for call in (index.add, index.replace):
        with pytest.raises(DimensionMismatch, match="dimension 4"):
            call([1], wrong)
    with pytest.raises(DimensionMismatch, match="dimension 4"):
        index.search(wrong, k=1)

    assert len(index) == 0


@pytest.mark.parametrize("row", [[2.0, 0.0], [np.nan, 0.0], [np.inf, 0.0]])
def test_rows_that_are_not_of_unit_length_are_an_error(new_index: NewIndex, row: list[float]) -> None:
    index = new_index(2)
    rows = np.array([[1.0, 0.0], row], dtype=np.float32)

    with pytest.raises(ValueError, match="row 1 "):
        index.add([1, 2], rows)

    assert len(index) == 0


def test_ids_and_rows_must_be_as_many(new_index: NewIndex) -> None:
    with pytest.raises(ValueError, match="2 ids for 1 vectors"):
        new_index(4).add([1, 2], axes(0))


def test_the_index_keeps_a_copy_of_the_rows(new_index: NewIndex) -> None:
    index = new_index(4)
    rows = axes(0)
    index.add([1], rows)

    rows[:] = axes(1)

    assert index.search(axes(0), k=1) == [[Hit(1, 1.0)]]


def test_stored_rows_come_back_in_the_order_asked_for(new_index: NewIndex) -> None:
    rows = random_rows(20, 8)
    index = new_index(8)
    index.add(range(20), rows)

    assert np.array_equal(index.vectors([7, 3, 7]), rows[[7, 3, 7]])
    assert index.vectors([]).shape == (0, 8)


def test_a_filter_keeps_the_others_out(new_index: NewIndex) -> None:
    index = new_index(4)
    index.add([1, 2, 3], axes(0, 1, 2))

    assert ids_of(index.search(axes(0), k=5, only=[3, 2, 99])[0]) == [2, 3]
    assert index.search(axes(0), k=5, only=[]) == [[]]


@pytest.mark.parametrize("kept", [1, 5, 10, 100])
def test_a_filter_never_gives_fewer_than_k_while_more_match(new_index: NewIndex, kept: int) -> None:
    rows = random_rows(1000, 8)
    index = new_index(8)
    index.add(range(1000), rows)
    furthest = np.argsort(rows @ rows[0])[:kept].tolist()

    [hits] = index.search(rows[:1], k=10, only=set(furthest))

    assert ids_of(hits) == furthest[::-1][:10]


def test_faiss_and_exact_agree_on_a_thousand_rows() -> None:
    rows, queries = random_rows(1000, 384), random_rows(40, 384, seed=1)
    indexes: list[VectorIndex] = [FaissIndex(384), ExactIndex(384)]
    for index in indexes:
        index.add(range(1000), rows)

    ours, reference = (index.search(queries, k=10) for index in indexes)

    assert ours == reference
    nearest = np.argsort(-(queries.astype(np.float64) @ rows.T.astype(np.float64)), axis=1)[:, :10]
    assert [ids_of(hits) for hits in ours] == nearest.tolist()


# Few rows, so that ties are the rule.
POOL = np.concatenate(
    [unit([[1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1], [-1, 0, 2]]), np.zeros((1, 3), np.float32)]
)
ID = st.integers(-3, 30)
PUT = st.dictionaries(ID, st.integers(0, 5), max_size=12)
STEP = st.one_of(
    st.tuples(st.sampled_from(["add", "replace"]), PUT),
    st.tuples(st.just("remove"), st.sets(ID, max_size=8)),
    st.tuples(st.just("search"), st.tuples(st.integers(1, 6), st.none() | st.sets(ID))),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, max_size=20))
def test_faiss_and_exact_agree_after_any_steps(steps: list[tuple[str, object]]) -> None:
    indexes: list[VectorIndex] = [FaissIndex(3), ExactIndex(3)]
    for step in [*steps, ("search", (4, None))]:
        ours, reference = (_outcome(index, step) for index in indexes)
        assert ours == reference


def _outcome(index: VectorIndex, step: tuple[str, object]) -> object:
    try:
        match step:
            case ("add", dict(put)):
                index.add(list(put), POOL[list(put.values())])
            case ("replace", dict(put)):
                index.replace(list(put), POOL[list(put.values())])
            case ("remove", set(ids)):
                return index.remove(ids), len(index)
            case ("search", (int(k), only)):
                assert only is None or isinstance(only, set)
                return index.search(POOL, k=k, only=only)
    except DuplicateId as error:
        return str(error)
    return len(index)
