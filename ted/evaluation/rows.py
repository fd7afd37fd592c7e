"""What an evaluation is made of: arms, and one row for each question under each arm. Everything else follows from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ted.grading.agreement import falls_short

Arm = Literal["none", "copy", "demos", "retrieve", "all", "irrelevant", "teacher", "cascade"]
ARMS: tuple[Arm, ...] = ("none", "copy", "demos", "retrieve", "all", "irrelevant", "teacher", "cascade")


@dataclass(frozen=True, slots=True)
class Given:
    """One answer of a model, graded, with what it took."""

    final_answer: str
    correct: bool
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Vote:
    """What a cascade was given for one question: the student's answers, how far they agree and on which (`chosen`, a
    position among them), and the teacher's answer, asked for whether they agree or not."""

    student: tuple[Given, ...]
    chosen: int
    agreement: float
    teacher: Given

    def escalated(self, threshold: float) -> bool:
        """Whether the teacher answers at this threshold."""
        return falls_short(self.agreement, threshold=threshold)


@dataclass(frozen=True, slots=True)
class Row:
    """One question under one arm. `seconds` are those of finding and of the model; a judge's are not among them."""

    arm: Arm
    sample: str
    question: str
    reference: str
    final_answer: str
    correct: bool
    experiences: tuple[str, ...]
    abstained: bool
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    seconds: float
    reason: str = ""
    demonstrations: tuple[str, ...] = ()
    vote: Vote | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(kept: dict[str, Any]) -> Row:
        """The inverse of `to_json`; rows of earlier versions lack what they did not have."""
        vote = kept.get("vote")
        lists = {name: tuple(kept.get(name, ())) for name in ("experiences", "demonstrations")}
        return Row(**(kept | lists | {"vote": _vote(vote) if vote else None}))


def _vote(kept: dict[str, Any]) -> Vote:
    student = tuple(Given(**given) for given in kept["student"])
    return Vote(student, kept["chosen"], kept["agreement"], Given(**kept["teacher"]))
