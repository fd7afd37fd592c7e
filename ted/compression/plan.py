"""The plan of a compression: what is removed, united, shown to the teacher, and what would go for the bound's sake."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ted.bank.bank import Bank
from ted.bank.compressing import CompressionStore, Standing, Survey, WrongAnswer, signature
from ted.compression.bound import Overflow, Removal, overflow
from ted.compression.clusters import clusters_of, identical
from ted.compression.refusals import is_refused, keeps_apart
from ted.compression.settings import CompressionSettings
from ted.compression.usefulness import is_harmful, is_unhelpful
from ted.experience import Experience
from ted.injections import injection_in_experience

FAILURES = 3
"""Questions that went wrong of which the teacher is told when it rewrites, at most."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Experiences that may be one. `id` names it in call keys: the same texts are the same cluster in any store."""

    members: tuple[Experience, ...]

    @property
    def id(self) -> str:
        return digest([[e.when_to_use, e.content, e.version] for e in self.members])

    @property
    def signature(self) -> str:
        """What a refusal of it is remembered by."""
        return signature(self.members)


@dataclass(frozen=True, slots=True)
class Failing:
    """An experience that does not help, and questions that went wrong with it."""

    experience: Experience
    wrong: tuple[WrongAnswer, ...]

    @property
    def id(self) -> str:
        told = [[w.question, w.answered, w.sample.answer if w.sample else None] for w in self.wrong]
        return digest(["failing", self.experience.text, self.experience.version, told])

    @property
    def signature(self) -> str:
        """What a refusal of its rewriting is remembered by."""
        return f"rewrite:{signature([self.experience])}"


def digest(parts: object) -> str:
    """A short name for a JSON value."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]


SkipReason = Literal[
    "refused", "distinct", "unparsable", "guard", "quarantined", "model_failure", "stale", "bound"
]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not done, to which experiences, and why. `refused`: the teacher said so in an earlier run."""

    experience_ids: tuple[str, ...]
    reason: SkipReason
    detail: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a compression is about to do at a revision. `overflow`: what would go if the teacher refused everything."""

    revision: int
    removals: tuple[Removal, ...]
    unions: tuple[Cluster, ...]
    clusters: tuple[Cluster, ...]
    failing: tuple[Failing, ...]
    refused: tuple[Skipped, ...]
    overflow: Overflow

    @property
    def signatures(self) -> list[str]:
        """What a refusal of any of its unions, merges and rewrites is remembered by."""
        clusters = [cluster.signature for cluster in (*self.unions, *self.clusters)]
        return clusters + [failing.signature for failing in self.failing]

    def about(self, experience_ids: Collection[str]) -> Plan:
        """As far as it is about duplicates of these: nothing is removed or rewritten for its usage."""

        def concerned(clusters: Sequence[Cluster]) -> tuple[Cluster, ...]:
            return tuple(c for c in clusters if any(e.id in experience_ids for e in c.members))

        refused = tuple(s for s in self.refused if set(s.experience_ids) & set(experience_ids))
        return replace(
            self,
            removals=(),
            unions=concerned(self.unions),
            clusters=concerned(self.clusters),
            failing=(),
            refused=refused,
        )

    def to_json(self) -> dict[str, Any]:
        """For reports."""
        return {
            "revision": self.revision,
            "remove": [{"id": r.experience_id, "why": r.why} for r in self.removals],
            "unite": [[e.id for e in union.members] for union in self.unions],
            "merge": [[e.id for e in cluster.members] for cluster in self.clusters],
            "rewrite": [failing.experience.id for failing in self.failing],
            "over_bound": [{"id": r.experience_id, "why": r.why} for r in self.overflow.removals],
        }


async def make_plan(bank: Bank, settings: CompressionSettings) -> Plan:
    """The plan for the bank as it stands; nothing is changed. What is pinned is in no part of it."""
    store = CompressionStore(bank.database)
    survey = await asyncio.to_thread(store.survey, bank.id)
    free = [s for s in survey.standings if not s.experience.pinned]
    removals = tuple(_harmful(free))
    left = _without(free, {r.experience_id for r in removals})
    apart = keeps_apart(survey.refusals)
    plain = [
        s.experience
        for s in left
        if not injection_in_experience(s.experience.when_to_use, s.experience.content)
    ]
    unions = [Cluster(members) for members in identical(plain, apart)]
    rest = _without(left, {e.id for union in unions for e in union.members})
    texts = [s.experience for s in rest]
    vectors = await bank.embed_texts([e.text for e in texts])
    found = await asyncio.to_thread(clusters_of, texts, vectors, settings, apart)
    clusters = [Cluster(members) for members in found]
    asked = [c for c in clusters if not is_refused(c.signature, survey.refusals)]
    alone = _without(rest, {e.id for cluster in asked for e in cluster.members})
    failing = await asyncio.to_thread(_failing, alone, survey, store, bank.id)
    gone = {r.experience_id for r in removals} | {e.id for union in unions for e in union.members[1:]}
    return Plan(
        survey.revision,
        removals,
        tuple(unions),
        tuple(asked),
        tuple(failing),
        tuple(_refused(c, survey) for c in clusters if c not in asked),
        overflow(survey, gone=frozenset(gone)),
    )


def _harmful(standings: Sequence[Standing]) -> list[Removal]:
    return [
        Removal(s.experience.id, f"harmful: its utility is at most {s.usage.utility.high:+.2f}")
        for s in standings
        if is_harmful(s.usage)
    ]


def _failing(
    standings: Sequence[Standing], survey: Survey, store: CompressionStore, bank_id: str
) -> list[Failing]:
    found = []
    for standing in standings:
        if is_unhelpful(standing.usage):
            wrong = store.wrong_answers(bank_id, standing.experience, most=FAILURES)
            failing = Failing(standing.experience, tuple(wrong))
            if wrong and not is_refused(failing.signature, survey.refusals):
                found.append(failing)
    return found


def _without(standings: Sequence[Standing], ids: Collection[str]) -> list[Standing]:
    return [s for s in standings if s.experience.id not in ids]


def _refused(cluster: Cluster, survey: Survey) -> Skipped:
    known = survey.refusals.get(cluster.signature, "distinct")
    return Skipped(tuple(e.id for e in cluster.members), "refused", f"in an earlier run: {known}")
