"""Banks at a glance: several side by side with what each is worth, and one with all that there is to draw of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from ted.bank.bypassing import Comparison, comparison
from ted.bank.database import Database
from ted.bank.job_tables import CallRow
from ted.bank.maps import ExperienceMap, experience_map
from ted.bank.spending import Spending, spending, spending_by, total
from ted.bank.statistics import BankStatistics, bank_statistics
from ted.bank.tables import BankRow
from ted.bank.utilities import RankedPage, Ranking, ranked, utilities


@dataclass(frozen=True, slots=True)
class Worth:
    """What a bank's answers gain over those without it, and what its calls came to."""

    comparison: Comparison
    spending: Spending


@dataclass(frozen=True, slots=True)
class Overview:
    """All figures of a bank, what was spent for it by role and model and in all, its map, and a part of the ranking, over
    one snapshot."""

    figures: BankStatistics
    spent: tuple[Spending, ...]
    spent_total: Spending
    map: ExperienceMap
    ranked: RankedPage


class Overviews:
    """Reads of banks; each method is one short transaction. Whose a bank is was asked before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def worths(self, bank_ids: Sequence[str]) -> dict[str, Worth]:
        """By bank; of those that there are."""
        with self._database.reading() as session:
            there = session.scalars(select(BankRow.id).where(BankRow.id.in_(bank_ids))).all()
            spent = dict(spending_by(session, CallRow.bank_id, CallRow.bank_id.in_(there)))
            return {i: Worth(comparison(session, i), spent.get(i) or total([])) for i in there}

    def overview(self, bank_id: str, ranking: Ranking, *, limit: int, after: str | None = None) -> Overview:
        """Of one bank. Raises NotFound for a cursor that is not in the ranking."""
        with self._database.reading() as session:
            parts, found = spending(session, CallRow.bank_id == bank_id), utilities(session, bank_id)
            return Overview(
                bank_statistics(session, bank_id, found),
                tuple(parts),
                total(parts),
                experience_map(session, bank_id, found),
                ranked(session, found, ranking, limit=limit, after=after),
            )

    def ranking(self, bank_id: str, ranking: Ranking, *, limit: int, after: str | None = None) -> RankedPage:
        """A part of the experiences by utility. Raises NotFound for a cursor that is not in it."""
        with self._database.reading() as session:
            found = utilities(session, bank_id)
            return ranked(session, found, ranking, limit=limit, after=after)

    def map(self, bank_id: str) -> ExperienceMap:
        """The experiences in the plane."""
        with self._database.reading() as session:
            return experience_map(session, bank_id, utilities(session, bank_id))
