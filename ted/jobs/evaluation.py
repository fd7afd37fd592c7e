"""An evaluation as a job: its samples, calls and rows are kept, so that every figure can be recomputed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict

from ted.bank.bank import Bank
from ted.bank.calls import CallStore, Owner
from ted.bank.evaluations import EvaluationStore
from ted.bank.jobs import JobStore
from ted.chat import ChatModel
from ted.evaluation.flow import Arm, Evaluation, Row, evaluate
from ted.ledger import Ledger
from ted.profile import Profile
from ted.sample import Sample
from ted.sample_sets import samples_digest
from ted.student import Student


class EvaluationRunner:
    """Evaluates one bank."""

    def __init__(self, bank: Bank, *, jobs: JobStore, calls: CallStore) -> None:
        self._bank, self._jobs, self._calls = bank, jobs, calls
        self._rows = EvaluationStore(bank.database)

    async def run(
        self,
        samples: Sequence[Sample],
        arms: Sequence[Arm],
        *,
        student: ChatModel,
        teacher: ChatModel,
        profile: Profile,
        progress: Callable[[Row], None] = lambda row: None,
    ) -> Evaluation:
        """All samples under each arm. Where it ends early, the job says so and its calls are kept."""
        request = {
            "arms": list(arms),
            "student": student.name,
            "teacher": teacher.name,
            "profile": profile.name,
        }
        job = self._jobs.create(
            self._bank.id,
            "evaluation",
            request=request,
            digest=samples_digest(samples),
            budget={},
            samples=samples,
        )
        ledger = Ledger(self._calls, Owner(job.project_id, job.bank_id, job.id))
        self._jobs.begin(job.id)
        try:
            evaluation = await evaluate(
                samples,
                job_id=job.id,
                arms=arms,
                bank=self._bank,
                student=Student(ledger.around(student), profile),
                teacher=Student(ledger.around(teacher), profile),
                progress=progress,
            )
        except BaseException as error:
            self._jobs.finish(job.id, "failed", result=None, error=f"{type(error).__name__}: {error}")
            raise
        rows = [asdict(row) | {"sample_id": row.sample} for row in evaluation.rows]
        await asyncio.to_thread(self._rows.keep, job.id, rows)
        self._jobs.finish(job.id, "succeeded", result={"arms": [asdict(a) for a in evaluation.arms]})
        return evaluation
