"""What is said of answers afterwards, in the store; the exposures and counters of what was shown follow it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ted.bank.bypassing import reconsider
from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.tables import AnswerRow, FeedbackRow, now
from ted.bank.usage import regrade
from ted.errors import BadInput, NotFound


@dataclass(frozen=True, slots=True)
class Feedback:
    """`outcome`: 1 is right, 0 is wrong. `reference` is what the answer should have been, unreviewed at first."""

    answer_id: str
    outcome: float
    reference: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class KeptFeedback:
    """Feedback as it is kept, and how many experiences had been retrieved for the answer."""

    feedback: Feedback
    bank_id: str
    reviewed: bool
    exposures: int
    created_at: datetime
    updated_at: datetime


class FeedbackStore:
    """Writes feedback on a caller's answers; each method is one short transaction."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    def give(self, feedback: Feedback) -> KeptFeedback:
        """Keeps it in the place of what was said of the answer before. Raises NotFound, BadInput."""
        if not 0 <= feedback.outcome <= 1:
            raise BadInput(f"the outcome is {feedback.outcome}: it must be from 0 (wrong) to 1 (right)")
        with self._database.writing() as session:
            answer = session.get(AnswerRow, feedback.answer_id)
            if answer is None or not self._caller.has(answer):
                raise NotFound(f"there is no answer '{feedback.answer_id}'")
            row = session.get(FeedbackRow, answer.id)
            if row is None:
                row = FeedbackRow(answer_id=answer.id, project_id=answer.project_id, bank_id=answer.bank_id)
                session.add(row)
            if row.reference != feedback.reference:
                row.reviewed = False
            row.outcome, row.reference, row.comment = feedback.outcome, feedback.reference, feedback.comment
            row.updated_at = now()
            session.flush()
            exposures = regrade(session, answer.id, feedback.outcome)
            reconsider(session, answer)
            return KeptFeedback(
                feedback, row.bank_id, row.reviewed, exposures, row.created_at, row.updated_at
            )
