"""Answer: a reply and everything that explains it, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ted.chat import Usage
from ted.experience import Retrieval
from ted.sample import Question
from ted.trajectory import Attempt, Chain

Mode = Literal["retrieve", "all", "demos", "none"]
"""What a question is asked with: experiences retrieved for it, the whole bank, solved training samples, nothing."""

Arm = Literal["bank", "control"]
"""Of a trial: with what the bank has, or without it."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds by stage: embedding the question, finding experiences, the model, and all of it."""

    embed: float
    retrieve: float
    model: float
    total: float

    @staticmethod
    def between(*moments: float) -> Latency:
        """From the moments (seconds) at which it started, had embedded, had found, was done."""
        embed, retrieve, model = ((after - before) * 1e3 for before, after in pairwise(moments))
        return Latency(embed, retrieve, model, (moments[-1] - moments[0]) * 1e3)


@dataclass(frozen=True, slots=True)
class Trial:
    """What chance decided for an answer: an arm, None where it decided nothing; `propensity` is that of `bank`."""

    arm: Arm | None = None
    propensity: float | None = None
    bypassed: bool = False

    @property
    def without_bank(self) -> bool:
        """Whether what was found was kept from the student."""
        return self.arm == "control" or (self.bypassed and self.arm is None)


@dataclass(frozen=True, slots=True)
class Cascaded:
    """How a cascade came to its answer: what the student said each time, the share of that which is one answer, the
    share below which the teacher answers, and what either took. `student` and `teacher` are their names; no teacher: it
    was not asked."""

    answers: tuple[str, ...]
    agreement: float
    threshold: float
    student: str
    student_usage: Usage
    teacher: str | None = None
    teacher_usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply and what explains it. `final_answer` is the text itself where no answer could be read out of it.

    `model` is the student, also where it was the teacher that answered; `usage` is of all that were asked. `harvested`:
    it may become a sample.
    """

    id: str
    bank_id: str
    question: Question
    mode: Mode
    text: str
    final_answer: str
    attempt: Attempt | None
    retrieval: Retrieval
    model: str
    usage: Usage
    latency: Latency
    trial: Trial = Trial()
    cascaded: Cascaded | None = None
    harvested: bool = False

    @property
    def escalated(self) -> bool:
        """Whether the teacher answered, which nothing of the bank was shown."""
        return self.cascaded is not None and self.cascaded.teacher is not None

    def cited(self) -> dict[str, bool]:
        """By experience id, whether the student says it used it; empty where it was not asked to say."""
        if (
            self.escalated
            or self.attempt is None
            or (self.attempt.chain == Chain() and not self.attempt.used)
        ):
            return {}
        return {r.experience.id: r.label in self.attempt.used for r in self.retrieval.shown}
