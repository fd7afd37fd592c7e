"""A bank's experiences as points of a plane: the two directions in which their wordings differ most. Drawing is a face's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from index.protocols import Vectors
from ted.bank.retriever import bank_row
from ted.bank.tables import CounterRow, EmbeddingRow, ExperienceRow, KeyRow
from ted.bank.utilities import Utilities
from ted.bank.utility import Numbers

MOST_POINTS = 1_000
"""Beyond so many, those that were retrieved most often, newest first among equals."""


@dataclass(frozen=True, slots=True)
class Point:
    """An experience in the plane, with its utility if that is known."""

    id: str
    when_to_use: str
    x: float
    y: float
    utility: float | None


@dataclass(frozen=True, slots=True)
class ExperienceMap:
    """The points, of how many active experiences they are, and the share of all variance that each axis has."""

    points: tuple[Point, ...]
    active: int
    explained: tuple[float, float]


def experience_map(session: Session, bank_id: str, found: Utilities) -> ExperienceMap:
    """By the vectors of `when_to_use`; each axis from -1 to 1. `found`: what is known of utility."""
    bank = bank_row(session, bank_id)
    active = (ExperienceRow.bank_id == bank_id) & (ExperienceRow.status == "active")
    chosen = (
        select(ExperienceRow.id)
        .join(CounterRow, CounterRow.experience_id == ExperienceRow.id)
        .where(active)
        .order_by(CounterRow.retrieved.desc(), ExperienceRow.id.desc())
        .limit(MOST_POINTS)
        .subquery()
    )
    query = (
        select(ExperienceRow.id, ExperienceRow.when_to_use, EmbeddingRow.vector)
        .join(chosen, chosen.c.id == ExperienceRow.id)
        .join(KeyRow, (KeyRow.experience_id == ExperienceRow.id) & (KeyRow.kind == "when_to_use"))
        .join(EmbeddingRow, EmbeddingRow.key_id == KeyRow.id)
        .where(EmbeddingRow.fingerprint == bank.text_fingerprint)
        .order_by(ExperienceRow.id)
    )
    rows = session.execute(query).all()
    count = session.scalar(select(func.count()).select_from(ExperienceRow).where(active)) or 0
    vectors = (
        np.stack([np.frombuffer(row[2], dtype="<f4") for row in rows]) if rows else np.zeros((0, 1), "<f4")
    )
    places, explained = plane(vectors)
    known = dict(zip(found.ids, (float(mean) for mean in found.mean), strict=True))
    points = (
        Point(i, wording, float(x), float(y), known.get(i))
        for (i, wording, _), (x, y) in zip(rows, places, strict=True)
    )
    return ExperienceMap(tuple(points), count, explained)


def plane(vectors: Vectors) -> tuple[Numbers, tuple[float, float]]:
    """Principal components 1 and 2 of the rows, as (n, 2) within -1 to 1, and the share of variance of each.

    The sign of an axis is such that its greatest coordinate is positive, so that the same rows give the same plane.
    """
    rows = np.asarray(vectors, dtype=np.float64)
    places = np.zeros((len(rows), 2))
    if len(rows) < 2:
        return places, (0.0, 0.0)
    centred = rows - rows.mean(axis=0)
    spread = centred.T @ centred
    whole = float(np.trace(spread))
    _, directions = np.linalg.eigh(spread)  # ascending
    shares = [0.0, 0.0]
    for axis, direction in enumerate(directions.T[::-1][:2]):
        column = centred @ direction
        most = column[np.argmax(np.abs(column))]
        if whole and abs(most) > 1e-9:
            places[:, axis] = column / most
            shares[axis] = float(column @ column) / whole
    return places, (shares[0], shares[1])
