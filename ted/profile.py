"""The two profiles of a distillation: `full` as in the paper, `compact` for small teachers, tightly capped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ted.prompts.student import Form

ProfileName = Literal["full", "compact"]


@dataclass(frozen=True, slots=True)
class Profile:
    """How much the models may write.

    `solves`: how often the teacher tries on its own; `explains`: whether it then explains the reference in a call of
    its own, or the critique alone is shown it; `votes`: how often it solves where there is no reference, an odd number
    of which most must agree. `trace_tokens`: a longer trace is compressed before the critique.
    """

    name: ProfileName
    form: Form
    trajectories: int
    attempt_tokens: int
    solve_tokens: int
    critique_tokens: int
    trace_tokens: int
    solves: int = 2
    explains: bool = True
    votes: int = 3


FULL = Profile("full", "chain", 5, 1024, 2048, 2048, 600)
COMPACT = Profile("compact", "short", 2, 48, 96, 200, 200, solves=1, explains=False)

PROFILES: dict[ProfileName, Profile] = {"full": FULL, "compact": COMPACT}
