"""The only normalisation, the check at the door, centring and bytes."""

from __future__ import annotations

import numpy as np
import pytest

from index.errors import DimensionMismatch
from index.ranking import similarities
from index.vectors import centred, checked, from_bytes, mean_of, to_bytes, unit


def test_rows_become_unit_float32_and_zeros_stay_zeros() -> None:
    rows = unit([[3, 4], [0, 0], [1e-200, 0], [-1e30, 0]])

    assert rows.tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0], [1, 0], [-1, 0]]
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous


def test_no_rows_keep_their_dimension() -> None:
    assert unit(np.empty((0, 7))).shape == (0, 7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_an_error_that_names_the_row(bad: float) -> None:
    with pytest.raises(ValueError, match="row 1 "):
        unit([[1.0, 2.0], [bad, 0.0]])


def test_a_single_row_is_not_a_matrix() -> None:
    with pytest.raises(ValueError, match="shape"):
        unit([1.0, 2.0])


def test_unit_rows_pass_the_check_as_they_are() -> None:
    rows = unit([[3, 4], [0, 0]])

    assert checked(rows, 2) is rows


def test_another_width_is_a_mismatch_that_says_what_to_do() -> None:
    with pytest.raises(DimensionMismatch, match=r"dimension 384 .* \(1, 2\).* rebuild the index"):
        checked(unit([[1, 0]]), 384)


def test_centring_takes_half_of_the_mean_of_twenty_keys() -> None:
    rows, mean = unit([[1, 0], [0, 0]]), np.array([0.5, 0.5], dtype=np.float32)

    assert np.allclose(centred(rows, mean, 20), unit([[0.75, -0.25], [0, 0]]))
    assert np.array_equal(centred(rows, mean, 0), rows)


def test_centring_brings_out_what_differs_under_a_common_template() -> None:
    chance = np.random.default_rng(0)
    rows = unit(3 * chance.normal(size=(1, 64)) + chance.normal(size=(100, 64)))

    moved = centred(rows, mean_of(rows), len(rows))

    assert np.mean(rows[1:] @ rows[0]) > 0.8
    assert abs(np.mean(moved[1:] @ moved[0])) < 0.3


def test_a_mean_of_another_dimension_is_an_error() -> None:
    with pytest.raises(DimensionMismatch, match="mean of shape"):
        centred(unit([[1, 0]]), np.zeros(3, dtype=np.float32), 5)


def test_the_mean_of_no_rows_is_zeros() -> None:
    assert mean_of(np.empty((0, 3), np.float32)).tolist() == [0, 0, 0]


def test_bytes_are_little_endian_and_come_back() -> None:
    [row] = unit([[3, -4]])

    assert to_bytes(row) == np.array([0.6, -0.8], dtype="<f4").tobytes()
    assert np.array_equal(from_bytes(to_bytes(row), 2), row)


def test_bytes_of_another_dimension_are_a_mismatch() -> None:
    with pytest.raises(DimensionMismatch, match="12 bytes, but 8"):
        from_bytes(b"\0" * 8, 3)


def test_a_similarity_depends_on_its_two_rows_alone() -> None:
    rows = unit(np.random.default_rng(0).normal(size=(9001, 33)))

    together = similarities(rows, rows[0])

    assert together.tolist() == [float(similarities(rows[i : i + 1], rows[0])[0]) for i in range(9001)]
    assert similarities(rows, rows)[:3].tolist() == pytest.approx([1, 1, 1])
