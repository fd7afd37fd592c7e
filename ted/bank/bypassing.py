"""Whether a bank hurts: its answers against those without it, weighed anew whenever one is graded.

The test may be looked at after every answer. It bets against the bank doing no harm: at each graded answer the stake
is multiplied by 1 - x * D, where D, the difference of the arms as this one answer tells it (weighted by the inverse of
its arm's probability, around the mean of what came before), has a mean of at least 0 while the bank does no harm. So
the stake is then a supermartingale, whatever the questions are and however the shares of the arms move, and the chance
that it ever grows twentyfold is at most 1 in 20 (Ville's inequality; Waudby-Smith and Ramdas, JRSS B 86 (2024) 1-27).
A part of the stake begins at every RESTART-th answer, so that a bank that was good for long is still seen to turn bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.retriever import bank_row
from ted.bank.tables import AnswerRow, FeedbackRow, now
from ted.bank.utility import Numbers, Side, Utility, utility_from
from ted.settings import TrialSettings

ALPHA = 0.05
"""The chance of ever raising a false alarm; and, once it is raised, of ever calling it off falsely."""

EFFECTS = (0.05, 0.1, 0.2, 0.4)
"""Differences that the stakes are laid for, a part of the whole on each."""

BOLDEST = 0.75
"""Of a part of the stake, what one answer may cost."""

RESTART = 500
"""Graded answers after which another part of the stake begins."""

WINDOW = 20_000
"""The newest graded answers are looked at; parts of the stake from before them are given up."""


class Graded(NamedTuple):
    """Graded answers in the order of their grading: whether each used the bank, the probability of that, the outcome."""

    with_bank: Numbers
    propensity: Numbers
    outcome: Numbers

    def swapped(self) -> Graded:
        """As if the arms had changed names."""
        return Graded(1 - self.with_bank, 1 - self.propensity, self.outcome)


def evidence_of_harm(graded: Graded, *, before: int = 0) -> float:
    """What a stake of 1 has become that was laid on the bank doing harm; 1 / ALPHA is an alarm.

    `before`: how many graded answers came before these.
    """
    count = len(graded.outcome)
    first = -(-before // RESTART)
    begun = range(first, max(first, (before + count - 1) // RESTART + 1)) if count else range(0)
    shares = np.asarray([6 / (np.pi * (k + 1)) ** 2 for k in begun])
    ahead = 1 - sum(6 / (np.pi * (k + 1)) ** 2 for k in range(begun.stop))
    if not count or not len(shares):
        return max(ahead, 0.0) if before else 1.0
    grown = _log_growth(graded)  # (effects, count + 1)
    starts = np.asarray([k * RESTART - before for k in begun])
    parts = np.exp(np.minimum(grown[:, -1:] - grown[:, starts], 700.0)).mean(axis=0)
    return float(shares @ parts + ahead)


def _log_growth(graded: Graded) -> Numbers:
    """For each of EFFECTS the logarithm of what the stake has become after 0, 1, ... answers."""
    z, e, y = graded
    seen = np.concatenate([[0.0], np.cumsum(y)[:-1]])
    mean = (seen + 1) / (np.arange(len(y)) + 2)  # of the outcomes before
    difference = (z / e - (1 - z) / (1 - e)) * (y - mean)
    most = np.maximum((1 - mean) / e, mean / (1 - e))  # that the difference can be
    wanted = np.asarray(EFFECTS)[:, None] * (e * (1 - e) / np.maximum(mean * (1 - mean), 0.05))
    stakes = np.minimum(wanted, BOLDEST / most)
    grown = np.cumsum(np.log1p(-stakes * difference), axis=1)
    return np.concatenate([np.zeros((len(EFFECTS), 1)), grown], axis=1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The graded answers of a bank since its state last changed: with it, and without it.

    `difference` is an estimate for this moment. `evidence`: of harm, or where the alarm is raised of there being none
    any more; at 1 / ALPHA the alarm is raised, or called off. `since` is None where it was never raised.
    """

    alarm: bool
    since: datetime | None
    evidence: float
    with_bank: int
    without_bank: int
    difference: Utility

    def to_json(self) -> dict[str, Any]:
        """For reports; the interval is of 90 %."""
        d = self.difference
        return {
            "alarm": self.alarm,
            "since": self.since,
            "evidence": self.evidence,
            "needed": 1 / ALPHA,
            "with_bank": self.with_bank,
            "without_bank": self.without_bank,
            "difference": d.mean,
            "low": d.low,
            "high": d.high,
        }


def comparison(session: Session, bank_id: str) -> Comparison:
    """How the bank's arms compare now."""
    state = bank_row(session, bank_id).alarm or {"raised": False, "since": None}
    since = datetime.fromisoformat(state["since"]) if state["since"] else None
    rows, before = _graded(session, bank_id, since)
    looked_at = rows.swapped() if state["raised"] else rows
    return Comparison(
        alarm=state["raised"],
        since=since,
        evidence=evidence_of_harm(looked_at, before=before),
        with_bank=int(rows.with_bank.sum()),
        without_bank=int((1 - rows.with_bank).sum()),
        difference=_difference(rows),
    )


def reconsider(session: Session, answer: AnswerRow) -> None:
    """After a grading: raises the alarm of the answer's bank, or calls it off, where the evidence has come to it,
    unless its bypass is `off`.

    Only the rarer arm can bring that about, or nearly so: the others are looked at along with it.
    """
    rarer = answer.arm is not None and (answer.arm == "bank") == ((answer.arm_propensity or 0.0) < 0.5)
    if not rarer or TrialSettings(**bank_row(session, answer.bank_id).trials).bypass == "off":
        return
    found = comparison(session, answer.bank_id)
    if found.evidence >= 1 / ALPHA:
        told = {"raised": not found.alarm, "since": now().isoformat(), "evidence": found.evidence}
        bank_row(session, answer.bank_id).alarm = told


def _graded(session: Session, bank_id: str, since: datetime | None) -> tuple[Graded, int]:
    """The newest, and how many came before them."""
    tried = (AnswerRow.bank_id == bank_id) & AnswerRow.arm.is_not(None)
    if since is not None:
        tried &= AnswerRow.created_at > since
    of_answer = FeedbackRow, FeedbackRow.answer_id == AnswerRow.id
    columns = AnswerRow.arm, AnswerRow.arm_propensity, FeedbackRow.outcome
    newest = FeedbackRow.created_at.desc(), FeedbackRow.answer_id.desc()
    rows: Sequence[Any] = session.execute(
        select(*columns).join(*of_answer).where(tried).order_by(*newest).limit(WINDOW)
    ).all()[::-1]
    before = 0
    if len(rows) == WINDOW:
        before = (
            session.scalar(select(func.count()).select_from(AnswerRow).join(*of_answer).where(tried)) or 0
        )
        before -= WINDOW
    told = np.asarray([(r[0] == "bank", r[1], r[2]) for r in rows], dtype=np.float64).reshape(-1, 3)
    return Graded(*told.T), before


def _difference(graded: Graded) -> Utility:
    z, e, y = graded
    with_bank, without = z * (1 - e), (1 - z) * e
    return utility_from(_side(with_bank, y), _side(without, y))


def _side(weights: Numbers, outcome: Numbers) -> Side:
    sums = (weights, weights**2, weights * outcome, weights * outcome**2)
    return Side(*(float(s.sum()) for s in sums))
