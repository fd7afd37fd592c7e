"""Chance decides: an experience withheld, or an answer without the bank, so that one can tell what either is worth.

What is made of the outcomes is ted/bank/utility's affair and ted/bank/bypassing's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.answer import Trial
from ted.bank.database import Database
from ted.bank.retriever import bank_row
from ted.bank.tables import FeedbackRow, now
from ted.bank.usage import UsageStats, is_own_source, usage_of
from ted.experience import Experience, Retrieval
from ted.sample import Question
from ted.settings import TrialSettings

MOST, LEAST = 0.5, 0.05
"""Probabilities of withholding: while nothing is known of an experience, and once its utility is known well."""

WIDE, NARROW = 0.6, 0.2
"""Widths of the interval of utility at which withholding begins to fall, and at which it is least."""

LEAST_GRADED, GRADED_DAYS = 10, 30
"""So many answers of a bank graded within so many days, and its answers count as being graded."""

RECOVERY_SHARE = 0.1
"""Of answers that use a bank while it is bypassed: without them it could never be seen to have recovered."""


def withholding(width: float) -> float:
    """The probability of withholding an experience whose utility has an interval of this width."""
    return LEAST + (MOST - LEAST) * min(1.0, max(0.0, (width - NARROW) / (WIDE - NARROW)))


def withhold(
    retrieval: Retrieval, question: Question, *, key: str, probability: Callable[[Experience], float]
) -> Retrieval:
    """The retrieval, with at most one experience withheld; the same for the same key.

    One of those that may be withheld is picked evenly, then withheld with its probability. What is pinned is always
    shown, and what was made from this very question, since its outcome here would not count. A propensity is that of
    being shown given that all others are, so where one is withheld the others' exposures say nothing of them.
    """
    pick, chance = _chances(key, "withhold", "withheld")
    free = [r for r in retrieval.retrieved if not r.experience.pinned]
    free = [r for r in free if not is_own_source(r.experience, question)]
    if not free:
        return retrieval
    share = {r.experience.id: probability(r.experience) / len(free) for r in free}
    chosen = free[int(pick * len(free))].experience.id
    gone = chosen if chance < share[chosen] * len(free) else None
    nothing = 1 - sum(share.values())

    def propensity(experience_id: str) -> float:
        mine = share.get(experience_id, 0.0)
        return nothing / (nothing + mine) if gone in (None, experience_id) else 1.0

    return replace(
        retrieval,
        retrieved=tuple(
            replace(r, shown=r.experience.id != gone, propensity=propensity(r.experience.id))
            for r in retrieval.retrieved
        ),
    )


def conduct(
    database: Database,
    bank_id: str,
    question: Question,
    retrieval: Retrieval,
    *,
    key: str,
    by_chance: bool = True,
) -> tuple[Retrieval, Trial]:
    """What is shown of a retrieval for an answer, as the bank's settings and its alarm have it.

    The same for the same key (the answer's id) and the same evidence. Where nothing was found there is nothing to try.
    `by_chance` False: no trial, as for a cascade, where what was shown decides whether the student answers at all.
    """
    if not retrieval.retrieved:
        return retrieval, Trial()
    with database.reading() as session:
        bank = bank_row(session, bank_id)
        settings = TrialSettings(**bank.trials)
        bypassed = settings.bypass == "serve_without" and bool(bank.alarm and bank.alarm["raised"])
        on = by_chance and _is_on(session, settings, bank_id)
        usage = usage_of(session, bank_id, [r.experience.id for r in retrieval.retrieved]) if on else {}
    if not on:
        return (hidden(retrieval), Trial(bypassed=True)) if bypassed else (retrieval, Trial())
    trial = _trial(settings, bypassed, key)
    if trial.without_bank:
        return hidden(retrieval), trial
    return withhold(retrieval, question, key=key, probability=_by_width(usage)), trial


def _is_on(session: Session, settings: TrialSettings, bank_id: str) -> bool:
    return settings.when == "always" or (settings.when == "graded" and is_graded(session, bank_id))


def is_graded(session: Session, bank_id: str) -> bool:
    """Whether answers of the bank get graded at present: LEAST_GRADED of them within GRADED_DAYS."""
    lately = FeedbackRow.updated_at >= now() - timedelta(days=GRADED_DAYS)
    some = select(FeedbackRow.answer_id).where(FeedbackRow.bank_id == bank_id, lately).limit(LEAST_GRADED)
    return session.scalar(select(func.count()).select_from(some.subquery())) == LEAST_GRADED


def hidden(retrieval: Retrieval) -> Retrieval:
    """The retrieval with nothing shown."""
    return replace(retrieval, retrieved=tuple(replace(r, shown=False) for r in retrieval.retrieved))


def _trial(settings: TrialSettings, bypassed: bool, key: str) -> Trial:
    if settings.control_rate == 0:
        return Trial(bypassed=bypassed)
    share = RECOVERY_SHARE if bypassed else 1 - settings.control_rate
    (chance,) = _chances(key, "arm")
    return Trial("bank" if chance < share else "control", share, bypassed)


def _by_width(usage: dict[str, UsageStats]) -> Callable[[Experience], float]:
    def probability(experience: Experience) -> float:
        known = usage.get(experience.id)
        return withholding(known.utility.width) if known else MOST

    return probability


def _chances(key: str, *names: str) -> Sequence[float]:
    """Numbers from 0 to 1, evenly distributed over keys."""
    digests = (hashlib.sha256(f"{key}:{name}".encode()).digest() for name in names)
    return [int.from_bytes(digest[:6], "big") / 2**48 for digest in digests]
