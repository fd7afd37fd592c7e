"""The arms of an evaluation asked without a job and without a ledger, for tests of what is asked and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ted.evaluation.arms import Arms
from ted.evaluation.rows import Arm, Row
from ted.evaluation.statistics import ArmResult, figures
from ted.gathering import all_of
from ted.sample import Sample


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of each arm and the rows they come from."""

    arms: tuple[ArmResult, ...]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """`{"arms": [...], "questions": [...]}`."""
        return {"arms": [asdict(a) for a in self.arms], "questions": [r.to_json() for r in self.rows]}


async def evaluate(
    samples: Sequence[Sample],
    *,
    job_id: str,
    arms: Sequence[Arm],
    asking: Arms,
    progress: Callable[[Row], None] = lambda row: None,
) -> Evaluation:
    """All samples under each arm, one arm after the other."""
    rows: list[Row] = []
    arms = tuple(dict.fromkeys(arms))
    for arm in arms:

        async def one(sample: Sample, arm: Arm = arm) -> Row:
            started = time.perf_counter()
            retrieval = await asking.found(sample.question, arm)
            found = time.perf_counter() - started
            row = await asking.answered(sample, arm, retrieval, job_id=job_id)
            row = replace(row, seconds=found + row.seconds)
            progress(row)
            return row

        rows += await all_of(one(sample) for sample in samples)
    return Evaluation(tuple(figures(rows, arm) for arm in arms), tuple(rows))
