"""Trying a candidate: questions answered with and without it, by fresh draws under shared seeds, until it is clear.

What is made of the pairs is ted/gate/verdict's affair, and what of the verdict the flow's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ted.bank.bank import Bank
from ted.bank.material import Place
from ted.bank.retriever import Guest
from ted.experience import Retrieval
from ted.gate.verdict import Evidence, GatePolicy, decided
from ted.gathering import all_of
from ted.grading.grading import Grading
from ted.sample import Sample
from ted.settings import RetrievalSettings
from ted.student import Student

NEIGHBOURS = 4
"""Questions of other samples that a candidate is tried on, at most."""

LOOKED_AT = 12
"""Of the nearest samples, so many are looked at for some that would retrieve the candidate."""

ROUNDS = {"sample": 8, "neighbours": 3}
"""Pairs a question, at most."""

LATER_ROUNDS = 2
"""The same for a candidate that a later sample finds."""

AT_ONCE = 4
"""Candidates kept before that one sample tries again, at most; the oldest that it finds."""

_NUMBERS = 1000
"""Call numbers that one proposal has for itself."""


def most_pairs(policy: GatePolicy) -> int:
    """Pairs that are drawn for one proposal, at most."""
    questions = 1 if policy == "sample" else NEIGHBOURS
    return questions * ROUNDS.get(policy, 0)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A question on which the candidate would be shown: what the student sees with it, and without it."""

    sample: Sample
    with_it: Retrieval
    without: Retrieval


@dataclass(frozen=True, slots=True)
class Gate:
    """How candidates of a job are tried. `nearest`: for a sample id the other samples, nearest first."""

    policy: GatePolicy
    bank: Bank
    student: Student
    grading: Grading
    settings: RetrievalSettings
    nearest: dict[str, Sequence[Sample]]

    async def admitted(self, guest: Guest, sample: Sample, place: Place, number: int) -> Evidence:
        """The evidence on a proposal of this number that was made from the sample."""
        on = [sample] if self.policy == "sample" else self.nearest.get(sample.id, ())[:LOOKED_AT]
        found = [trial for trial in await all_of(self._trial(guest, s) for s in on) if trial]
        return await self._tried(found[:NEIGHBOURS], place, number * _NUMBERS, ROUNDS.get(self.policy, 0))

    async def tried_again(self, guests: Sequence[Guest], sample: Sample, place: Place) -> list[Evidence]:
        """More evidence on candidates that are kept, in their order, from a sample that they were not made from."""
        trials = await all_of(self._trial(guest, sample) for guest in guests)
        chosen = [n for n, trial in enumerate(trials) if trial][:AT_ONCE]
        found = await all_of(
            self._tried([trial], place, (100 + n) * _NUMBERS, LATER_ROUNDS)
            if n in chosen and (trial := trials[n])
            else self._tried([], place, 0, 0)
            for n in range(len(guests))
        )
        return list(found)

    async def _trial(self, guest: Guest, sample: Sample) -> _Trial | None:
        with_it = await self.bank.retrieve(sample.question, self.settings, guest=guest)
        if all(r.experience.id != guest.experience.id for r in with_it.retrieved):
            return None
        return _Trial(sample, with_it, await self.bank.retrieve(sample.question, self.settings))

    async def _tried(self, trials: Sequence[_Trial], place: Place, first: int, rounds: int) -> Evidence:
        """A pair for each question in every round; after each round it may be clear enough."""
        evidence = Evidence()
        for drawn in range(rounds):
            pairs = await all_of(
                self._pair(t, place, first + drawn * len(trials) + n) for n, t in enumerate(trials)
            )
            for right_with, right_without in pairs:
                evidence = evidence.with_pair(right_with=right_with, right_without=right_without)
            if decided(evidence):
                break
        return evidence

    async def _pair(self, trial: _Trial, place: Place, number: int) -> tuple[bool, bool]:
        # The arm stands before the first colon of the key, where it does not change the seed.
        _, rest = place.key.split(":", 1)
        right_with, right_without = await all_of(
            self._right(trial.sample, retrieval, f"{place.job_id}.{arm}:{rest}:gate:{number}")
            for arm, retrieval in (("with", trial.with_it), ("without", trial.without))
        )
        return right_with, right_without

    async def _right(self, sample: Sample, retrieval: Retrieval, call_key: str) -> bool:
        written = await self.student.attempt_once(sample.question, retrieval, call_key=call_key)
        if written.attempt is None:
            return False
        head, _, number = call_key.rsplit(":", 2)
        found = await self.grading.grade(
            written.attempt.final_answer, sample=sample, call_key=f"{head}:judge:{number}"
        )
        return found.correct


async def nearest_samples(
    bank: Bank, samples: Sequence[Sample], among: Sequence[Sample] = ()
) -> dict[str, Sequence[Sample]]:
    """For each sample id the other samples that have a reference, or those of `among`, those of the most similar
    questions first; ties keep their order."""
    import numpy as np

    if not samples:
        return {}
    if among:
        here = await bank.embed_texts([s.question.text for s in samples])
        there = await bank.embed_texts([s.question.text for s in among])
        ranked = np.argsort(-(here @ there.T), axis=1, kind="stable")[:, :LOOKED_AT]
        return {s.id: [among[int(n)] for n in ranked[row]] for row, s in enumerate(samples)}
    vectors = await bank.embed_texts([s.question.text for s in samples])
    cosines = vectors @ vectors.T
    order = np.argsort(-cosines, axis=1, kind="stable")
    labelled = np.array([not sample.unlabelled for sample in samples])
    return {
        sample.id: [samples[int(n)] for n in order[row][labelled[order[row]]] if int(n) != row][:LOOKED_AT]
        for row, sample in enumerate(samples)
    }
