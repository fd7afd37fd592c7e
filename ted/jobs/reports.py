"""Reports of evaluations that are kept in the store; nothing is asked for them. Running one is ted/jobs/evaluation's."""

from __future__ import annotations

from collections.abc import Sequence

from ted.bank.database import Database
from ted.bank.evaluations import EvaluationStore
from ted.bank.job_values import Job
from ted.bank.jobs import JobStore
from ted.bank.material import MaterialStore, Place
from ted.errors import BadInput
from ted.evaluation.report import About, Regression, Report, ShownExperience, paired, regressed, reported
from ted.evaluation.rows import Arm, Row
from ted.experience import Retrieval


class EvaluationReports:
    """Reads rows and makes reports of them, of the jobs that their store knows."""

    def __init__(self, database: Database, jobs: JobStore) -> None:
        self._jobs, self._material = jobs, MaterialStore(database)
        self._store = EvaluationStore(database)

    def rows(self, job: Job) -> list[Row]:
        """All rows there are, by arm and the order of the samples."""
        samples = self._jobs.samples(job.id)
        places = [Place(job.id, n, s.id) for n in range(len(job.request["arms"])) for s in samples]
        return [Row.from_json(found) for place in places if (found := self._material.outcome(place))]

    def report(self, job_id: str) -> Report:
        """Of what has been answered by now. Raises BadInput where the job is no evaluation."""
        job = self._jobs.get(job_id)
        if job.kind != "evaluation":
            raise BadInput(f"job {job_id} is a {job.kind}: only evaluations have a report")
        rows, arms = self.rows(job), job.request["arms"]
        spent = self._store.distillation(job.bank_id)
        return reported(
            self._about(job),
            arms,
            rows,
            distillation_usd=None if spent.unpriced or not spent.calls else spent.cost_usd,
            regressions=self._regressions(job, arms, paired(rows, arms)),
            failures=self._material.failures(job_id),
        )

    def _about(self, job: Job) -> About:
        asked = job.request
        irrelevant = asked.get("irrelevant_bank")
        return About(
            job=job.id,
            status=job.status,
            bank=job.bank_id,
            bank_name=self._store.bank_name(job.bank_id),
            student=asked["student"],
            teacher=asked["teacher"],
            judge=asked.get("judge"),
            profile=asked["profile"],
            irrelevant_bank=irrelevant,
            overlap=tuple(asked.get("overlap", ())),
        )

    def _regressions(self, job: Job, arms: Sequence[Arm], rows: Sequence[Row]) -> list[Regression]:
        found = []
        for number, arm in enumerate(arms):
            for before, now in regressed(rows, arm):
                retrieval = self._material.frozen_retrieval(Place(job.id, number, now.sample))
                found.append(_regression(arm, before, now, retrieval))
        return found


def _regression(arm: Arm, before: Row, now: Row, retrieval: Retrieval | None) -> Regression:
    """In `all` the whole bank was shown, and is not told once more."""
    shown = retrieval.retrieved if retrieval and arm != "all" else ()
    return Regression(
        arm=arm,
        sample=now.sample,
        question=now.question,
        reference=now.reference,
        answer_without=before.final_answer,
        answer_with=now.final_answer,
        reason=now.reason,
        experiences=tuple(
            ShownExperience(
                r.experience.id,
                r.experience.version,
                r.experience.when_to_use,
                r.experience.content,
                r.similarity.fused,
            )
            for r in shown
        ),
        demonstrations=now.demonstrations,
    )
