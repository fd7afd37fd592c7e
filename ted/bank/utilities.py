"""The experiences of a bank by utility: all of them at once as arrays, a page of them in order. The formula is utility's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.tables import CounterRow, ExperienceRow
from ted.bank.usage import SIDE
from ted.bank.utility import Numbers, Side, lifts, means
from ted.errors import NotFound

Ranking = Literal["best", "worst"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """An experience in a list by utility: the posterior mean, its interval, and the questions of either side."""

    id: str
    when_to_use: str
    utility: float
    low: float
    high: float
    shown: float
    withheld: float


@dataclass(frozen=True, slots=True)
class RankedPage:
    """A part of the ranking: how many are before it, and how many have a utility at all."""

    data: tuple[Ranked, ...]
    before: int
    total: int

    @property
    def has_more(self) -> bool:
        return self.before + len(self.data) < self.total


@dataclass(frozen=True, slots=True)
class Utilities:
    """Of the active experiences with graded questions on both sides, by id: their means, and the sums of each side.

    `sums` has a row each, of `shown` and then of `withheld`. `unknown`: how many active experiences there are beside them.
    """

    ids: tuple[str, ...]
    mean: Numbers
    sums: Numbers
    unknown: int

    def order(self, ranking: Ranking) -> list[int]:
        """Positions, best or worst first, ties by id."""
        keys = -self.mean if ranking == "best" else self.mean
        return [int(i) for i in np.argsort(keys, kind="stable")]

    def sides(self, positions: Sequence[int]) -> tuple[Side, Side]:
        """The sums of those at these positions."""
        return _sides(self.sums[list(positions)])


def utilities(session: Session, bank_id: str) -> Utilities:
    """Computed for all at once, since a mean is no aggregate that SQL has; intervals only for those that are looked at."""
    c = CounterRow
    columns = [getattr(c, f"{side}_{name}") for side in ("shown", "withheld") for name in SIDE]
    active = (c.bank_id == bank_id) & (ExperienceRow.status == "active")
    of = ExperienceRow, ExperienceRow.id == c.experience_id
    query = (
        select(c.experience_id, *columns)
        .join(*of)
        .where(active, c.shown_weight2 > 0, c.withheld_weight2 > 0)
        .order_by(c.experience_id)
    )
    rows = session.execute(query).all()
    count = session.scalar(select(func.count()).select_from(c).join(*of).where(active)) or 0
    sums = np.asarray([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), 2 * len(SIDE))
    return Utilities(tuple(row[0] for row in rows), means(*_sides(sums)), sums, count - len(rows))


def ranked(
    session: Session, found: Utilities, ranking: Ranking, *, limit: int, after: str | None = None
) -> RankedPage:
    """Those that follow the experience `after`, in this order. Raises NotFound where that is not in the ranking."""
    order = found.order(ranking)
    begin = 0
    if after is not None:
        places = [n for n, i in enumerate(order) if found.ids[i] == after]
        if not places:
            raise NotFound(f"{after!r} is not in this ranking by now: begin it anew")
        begin = places[0] + 1
    return RankedPage(_told(session, found, order[begin : begin + limit]), begin, len(order))


def _told(session: Session, found: Utilities, positions: Sequence[int]) -> tuple[Ranked, ...]:
    ids = [found.ids[i] for i in positions]
    query = select(ExperienceRow.id, ExperienceRow.when_to_use).where(ExperienceRow.id.in_(ids))
    wordings = dict(session.execute(query).tuples().all())
    shown, withheld = found.sides(positions)
    counts = [np.square(side.weight) / side.weight2 for side in (shown, withheld)]
    rows = zip(ids, *lifts(shown, withheld), *counts, strict=True)
    return tuple(Ranked(i, wordings[i], *(float(value) for value in values)) for i, *values in rows)


def _sides(sums: Numbers) -> tuple[Side, Side]:
    return Side(*sums[:, : len(SIDE)].T), Side(*sums[:, len(SIDE) :].T)
