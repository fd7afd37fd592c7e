"""What is said of answers afterwards, and the review of references, in the store; the counters of what was shown follow."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from ted.bank.bypassing import reconsider
from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.from_answers import FromAnswers, from_answers
from ted.bank.pages import Page, Paged, paged
from ted.bank.tables import AnswerRow, ExposureRow, FeedbackRow, now
from ted.bank.usage import regrade
from ted.errors import BadInput, ChangedMeanwhile, Conflict, NotFound


@dataclass(frozen=True, slots=True)
class Feedback:
    """`outcome`: 1 is right, 0 is wrong. `reference` is what the answer should have been, unreviewed at first."""

    answer_id: str
    outcome: float
    reference: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class KeptFeedback:
    """Feedback as it is kept, and how many experiences had been retrieved for the answer.

    `accepted` is None until somebody reviewed the reference; `tag` changes whenever the reference does.
    """

    feedback: Feedback
    bank_id: str
    accepted: bool | None
    exposures: int
    created_at: datetime
    updated_at: datetime

    @property
    def tag(self) -> str:
        return hashlib.sha256((self.feedback.reference or "").encode()).hexdigest()[:16]


class FeedbackStore:
    """A caller's; each method is one short transaction. `trusted`: references count as accepted at once."""

    def __init__(self, database: Database, caller: Caller, *, trusted: bool = False) -> None:
        self._database, self._caller, self._trusted = database, caller, trusted

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
                row.accepted = None
            if self._trusted and feedback.reference is not None:
                row.accepted = True
            row.outcome, row.reference, row.comment = feedback.outcome, feedback.reference, feedback.comment
            row.updated_at = now()
            session.flush()
            exposures = regrade(session, answer.id, feedback.outcome)
            reconsider(session, answer)
            return _kept(row, exposures)

    def of_bank(self, bank_id: str, page: Page, *, reviewed: bool | None = None) -> Paged[KeptFeedback]:
        """Feedback by its answer's id; `reviewed` False: only references that wait, True: only those that do not."""
        query = select(FeedbackRow, _exposed()).where(
            FeedbackRow.bank_id == bank_id, self._caller.theirs(FeedbackRow)
        )
        if reviewed is not None:
            waits = FeedbackRow.accepted.is_(None) & FeedbackRow.reference.is_not(None)
            query = query.where(FeedbackRow.accepted.is_not(None) if reviewed else waits)
        with self._database.reading() as session:
            rows, more = paged(session, query, page, by=[FeedbackRow.answer_id])
            return Paged(tuple(_kept(row, exposures) for row, exposures in rows), more)

    def review(
        self, bank_id: str, answer_id: str, *, accepted: bool, only_if: Collection[str] | None = None
    ) -> KeptFeedback:
        """Accepts or rejects a reference; a later word replaces an earlier one.

        Raises NotFound, Conflict where there is no reference, ChangedMeanwhile where its tag is none of `only_if`.
        """
        with self._database.writing() as session:
            row = session.get(FeedbackRow, answer_id)
            if row is None or not self._caller.has(row) or row.bank_id != bank_id:
                raise NotFound(f"there is no feedback on an answer '{answer_id}' of this bank")
            if row.reference is None:
                raise Conflict(f"the feedback on '{answer_id}' has no reference: there is nothing to review")
            row.accepted = accepted
            session.flush()
            kept = feedback_on(session, answer_id)
            assert kept is not None
            if only_if is not None and kept.tag not in only_if:
                raise ChangedMeanwhile(f"the reference is '{row.reference}' by now: look at it again")
            return kept

    def to_distil(self, bank_id: str) -> FromAnswers:
        """What may be learned from answers of the bank, as ted/bank/from_answers has it."""
        with self._database.reading() as session:
            return from_answers(session, bank_id, theirs=self._caller.theirs(AnswerRow))


def feedback_on(session: Session, answer_id: str) -> KeptFeedback | None:
    """What was said of an answer, if anything."""
    found = session.execute(
        select(FeedbackRow, _exposed()).where(FeedbackRow.answer_id == answer_id)
    ).one_or_none()
    return None if found is None else _kept(*found)


def _exposed() -> ScalarSelect[int]:
    counted = select(func.count()).select_from(ExposureRow)
    return (
        counted.where(ExposureRow.asked_as == FeedbackRow.answer_id).correlate(FeedbackRow).scalar_subquery()
    )


def _kept(row: FeedbackRow, exposures: int) -> KeptFeedback:
    said = Feedback(row.answer_id, row.outcome, row.reference, row.comment)
    return KeptFeedback(said, row.bank_id, row.accepted, exposures, row.created_at, row.updated_at)
