"""What stands in for a reference that nobody gave: the answer that most of the teacher's solutions agree on.

What such a sample may do to the bank is ted/distillation/distrust's affair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ted.grading.auto import chosen_for
from ted.grading.grading import Grading
from ted.sample import Exact, Sample
from ted.teacher import Teacher
from ted.texts import shortened
from ted.trajectory import Solution


@dataclass(frozen=True, slots=True)
class StandIn:
    """The sample as it is worked on: with the answer in the reference's place, and the grader that fits it; and the
    first of the solutions that gave this answer."""

    sample: Sample
    solution: Solution


@dataclass(frozen=True, slots=True)
class NoMajority:
    """Why nothing stands in: what the solutions said, as many as there are; and why some could not be read."""

    told: str
    unparsable: tuple[str, ...]


async def stand_in(sample: Sample, *, key: str, teacher: Teacher, grading: Grading) -> StandIn | NoMajority:
    """An odd number of solutions that know nothing of each other, as the profile has it, of which more than half must
    be one answer in the eyes of the sample's grader. What the teacher said of the question before is the first of them.

    `key` heads the call keys; with that of the job's first epoch, later ones are answered from the ledger.
    """
    wanted, said = teacher.profile.votes, [sample.answer] if sample.answer.strip() else []
    attempts, unparsable = await teacher.votes(sample.question, key=key, times=wanted - len(said))
    solved = [attempt for attempt in attempts if attempt is not None]
    answers = [*said, *(attempt.final_answer for attempt in solved)]
    if not answers:
        return NoMajority(f"none of the teacher's {wanted} solutions could be read", unparsable)
    agreed = await grading.agreement(answers, sample=sample, key=key)
    if 2 * len(agreed.positions) <= wanted:
        told = " | ".join(shortened(answer) for answer in answers)
        return NoMajority(f"of the teacher's {wanted} solutions no more than half agree: {told}", unparsable)
    chosen = solved[next(p for p in agreed.positions if p >= len(said)) - len(said)]
    grader = chosen_for(chosen.final_answer) if isinstance(sample.grader, Exact) else sample.grader
    return StandIn(
        replace(sample, answer=chosen.final_answer, grader=grader),
        Solution(chosen, correct=True, unparsable=unparsable),
    )
