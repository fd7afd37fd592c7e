"""Solution and trajectories brought down to what a critique is shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ted.bank.material import Place
from ted.distillation.outcome import Skipped
from ted.errors import UnparsableOutput
from ted.gathering import all_of
from ted.prompts.teacher import Shown, as_text
from ted.teacher import Teacher
from ted.trajectory import Chain, Solution, Trajectory


async def in_brief(
    solution: Solution, trajectories: Sequence[Trajectory], *, teacher: Teacher, place: Place
) -> tuple[Solution, list[Shown], tuple[Skipped, ...]]:
    """Solution and trajectories as the critique shows them: a trace over its budget is compressed to its structure.

    One whose compression cannot be read stays as it is, and is told.
    """
    skipped: list[Skipped] = []

    async def brief(trace: str, role: str, number: int) -> Chain | None:
        try:
            return await teacher.compressed(trace, call_key=f"{place.key}:{role}:{number}")
        except UnparsableOutput as error:
            skipped.append(Skipped(place.sample_id, "unparsable_compression", f"{role} {number}: {error}"))
            return None

    async def shown(t: Trajectory) -> Shown:
        answer = t.attempt.final_answer if t.attempt else ""
        trace = as_text(t.attempt.chain, answer) if t.attempt else t.text
        chain = await brief(trace, "compress", t.number)
        return Shown(t.number, t.grade.correct, as_text(chain, answer) if chain else trace, answer)

    attempt = solution.attempt
    chain = await brief(as_text(attempt.chain, attempt.final_answer), "compress-solution", 0)
    solution = replace(solution, attempt=replace(attempt, chain=chain)) if chain else solution
    seen = await all_of(shown(t) for t in trajectories)
    return solution, seen, tuple(sorted(skipped, key=lambda s: s.detail))
