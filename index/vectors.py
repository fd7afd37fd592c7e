"""Vectors as the rest of index/ wants them: the only normalisation, the check at the door, centring and bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from index.errors import DimensionMismatch
from index.protocols import Vectors

SMOOTHING = 20.0
"""With this many keys, half of their mean is subtracted (METHOD.md, Centring)."""

_LENGTH_TOLERANCE = 1e-3  # a row that went through half precision is still a unit row
_BYTES = np.dtype("<f4")


def unit(array: ArrayLike) -> Vectors:
    """Rows of `array`, shape (n, dimension), scaled to length 1; rows of zeros stay zeros.

    Raises ValueError where it is not a matrix or holds a NaN or an infinity.
    """
    rows = np.asarray(array, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(
            f"vectors have shape (n, dimension), not {rows.shape}: reshape a single row to (1, n)"
        )
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise ValueError(f"row {int(np.argmin(finite))} holds a NaN or an infinity: look at what embedded it")
    # Scaled by the largest component first: the square of a very small or large one leaves even float64.
    largest = np.abs(rows).max(axis=1, initial=0.0, keepdims=True)
    scaled = np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.ascontiguousarray(np.divide(scaled, lengths, out=scaled, where=lengths > 0), dtype=np.float32)


def checked(vectors: Vectors, dimension: int) -> Vectors:
    """`vectors` as they are, float32 and C-contiguous, once it is sure that they are (n, dimension) unit rows.

    Raises DimensionMismatch for another width, ValueError for rows that never went through `unit`.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != dimension:
        raise DimensionMismatch(
            f"vectors of dimension {dimension} are expected, but these have shape {rows.shape}: embed with the "
            "embedder that the index was built by, or rebuild the index"
        )
    squares = np.vecdot(rows, rows)
    # A NaN compares false both times, so this refuses non-finite rows as well.
    sound = abs(squares - 1) <= 2 * _LENGTH_TOLERANCE
    if not sound.all() and not (sound := sound | (squares == 0)).all():
        row = int(np.argmin(sound))
        raise ValueError(
            f"row {row} has length {float(np.sqrt(squares[row])):.6g}, not 1: pass the vectors through "
            "index.vectors.unit"
        )
    return rows


def mean_of(vectors: Vectors) -> Vectors:
    """The mean row, shape (dimension,), which is not of unit length; of no rows, zeros."""
    if len(vectors) == 0:
        return np.zeros(vectors.shape[1], dtype=np.float32)
    return np.ascontiguousarray(vectors.mean(axis=0, dtype=np.float64), dtype=np.float32)


def centred(vectors: Vectors, mean: Vectors, count: int) -> Vectors:
    """`vectors` less `count / (count + 20)` of `mean`, unit again: what a domain's texts share no longer counts.

    `mean`, shape (dimension,), is that of the bank's `count` keys; the share keeps a bank of one or two from
    being destroyed (METHOD.md, Centring). Rows of zeros stay zeros. Raises DimensionMismatch, ValueError.
    """
    if count < 0:
        raise ValueError(f"a mean of {count} keys: count is 0 or more")
    if vectors.ndim != 2 or mean.shape != vectors.shape[1:]:
        raise DimensionMismatch(
            f"vectors of shape {vectors.shape} cannot be centred by a mean of shape {mean.shape}: take the mean of "
            "keys embedded by the same embedder"
        )
    moved = vectors.astype(np.float64) - count / (count + SMOOTHING) * mean.astype(np.float64)
    moved[~vectors.any(axis=1)] = 0.0
    return unit(moved)


def to_bytes(row: Vectors) -> bytes:
    """One row, shape (dimension,), as little-endian float32."""
    if row.ndim != 1:
        raise ValueError(f"one row has shape (dimension,), not {row.shape}: store row by row")
    return row.astype(_BYTES).tobytes()


def from_bytes(blob: bytes, dimension: int) -> Vectors:
    """The row, shape (dimension,), that `to_bytes` wrote. Raises DimensionMismatch for another number of bytes."""
    if len(blob) != dimension * _BYTES.itemsize:
        raise DimensionMismatch(
            f"a row of dimension {dimension} is {dimension * _BYTES.itemsize} bytes, but {len(blob)} are stored: "
            "embed the stored texts again with the configured embedder"
        )
    return np.frombuffer(blob, dtype=_BYTES).astype(np.float32)
