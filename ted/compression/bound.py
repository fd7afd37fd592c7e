"""Which experiences go, least useful first, so that a bank is within its bound. Pure; retiring them is the flow's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ted.bank.compressing import Standing, Survey
from ted.bank.usage import UsageStats
from ted.tokens import estimated_tokens

OLD = 4
"""Revisions that an experience must have seen before never having been retrieved speaks against it."""


@dataclass(frozen=True, slots=True)
class Removal:
    """An experience to retire, and why."""

    experience_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Overflow:
    """What has to go; `problem` says so where even that is not enough, since what is pinned stays."""

    removals: tuple[Removal, ...] = ()
    problem: str | None = None


def overflow(survey: Survey, *, gone: frozenset[str] = frozenset()) -> Overflow:
    """What has to go for the bound's sake, once the experiences `gone` are gone."""
    left = [s for s in survey.standings if s.experience.id not in gone]
    count, tokens = len(left), sum(tokens_of(s) for s in left)
    bound = f"bound of {survey.max_experiences} experiences and {survey.max_tokens} tokens"
    removals = []
    for standing in _least_useful_first(left, survey.revision):
        if count <= survey.max_experiences and tokens <= survey.max_tokens:
            break
        removals.append(Removal(standing.experience.id, f"{bound}: {_why(standing, survey.revision)}"))
        count, tokens = count - 1, tokens - tokens_of(standing)
    if count <= survey.max_experiences and tokens <= survey.max_tokens:
        return Overflow(tuple(removals))
    return Overflow(
        tuple(removals),
        f"the {count} pinned experiences alone ({tokens} tokens) are beyond the {bound}: "
        "let some of them go, or raise the bound",
    )


def is_over(survey: Survey) -> bool:
    """Whether the bank is beyond its bound."""
    tokens = sum(tokens_of(s) for s in survey.standings)
    return len(survey.standings) > survey.max_experiences or tokens > survey.max_tokens


def tokens_of(standing: Standing) -> int:
    """What an experience counts against `max_tokens`."""
    return estimated_tokens(standing.experience.text)


def _least_useful_first(standings: Sequence[Standing], revision: int) -> list[Standing]:
    """Never retrieved and old, then lowest upper bound of utility; where utility is not known, the lowest share of
    right answers with it (smoothed); ties the oldest first. Nothing that is pinned."""
    free = (s for s in standings if not s.experience.pinned)
    return sorted(free, key=lambda s: (not _idle(s, revision), *_promise(s.usage), s.experience.id))


def _promise(usage: UsageStats) -> tuple[float, float]:
    share = (usage.shown_correct + 1) / (usage.shown_correct + usage.shown_wrong + 2)
    return usage.utility.high, share


def _idle(standing: Standing, revision: int) -> bool:
    return standing.usage.retrieved == 0 and revision - standing.created_revision >= OLD


def _why(standing: Standing, revision: int) -> str:
    if _idle(standing, revision):
        return f"never retrieved since revision {standing.created_revision}"
    usage = standing.usage
    if usage.utility.mean is not None:
        return f"its utility is at most {usage.utility.high:+.2f}"
    return (
        f"of {usage.shown_correct + usage.shown_wrong:g} questions with it {usage.shown_correct:g} were right"
    )
