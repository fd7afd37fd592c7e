"""Which experiences nobody's reference stands behind: their text comes from unlabelled samples alone.

It is read off their histories, so that it follows a text through rewrites, rollbacks and exports.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from ted.bank.tables import ExperienceRow, HistoryRow


def unlabelled_among(session: Session, experience_ids: Collection[str]) -> set[str]:
    """Those of these experiences. A sample with a reference that came to the same text takes one out of them."""
    h, e = HistoryRow, ExperienceRow
    of_its_text = (h.when_to_use == e.when_to_use) & (h.content == e.content)
    query = (
        select(h.experience_id, h.provenance)
        .join(e, e.id == h.experience_id)
        .where(e.id.in_(experience_ids), of_its_text)
    )
    marked: set[str] = set()
    vouched: set[str] = set()
    for experience_id, provenance in session.execute(query):
        if provenance.get("unlabelled"):
            marked.add(experience_id)
        elif provenance.get("sample"):
            vouched.add(experience_id)
    return marked - vouched
