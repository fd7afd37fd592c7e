"""An evaluation as a job: each question under each arm is an item, kept when it is answered and not asked again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial

from ted.answer import Mode
from ted.answering import retrieved_for
from ted.bank.bank import Bank
from ted.bank.calls import CallStore, Owner
from ted.bank.evaluations import EvaluationStore
from ted.bank.jobs import Job, JobStore, may_go_on
from ted.bank.material import MaterialStore, Place
from ted.bank.once import Once
from ted.chat import ChatModel
from ted.draining import Drain
from ted.errors import Conflict, ModelFailure
from ted.evaluation.flow import Arm, Evaluation, Row, answered, figures
from ted.gathering import all_of
from ted.jobs.installation import Installation
from ted.jobs.sole_writer import sole_runner
from ted.jobs.stopping import done_or_ended
from ted.ledger import Ledger
from ted.profile import PROFILES, ProfileName
from ted.sample import Sample
from ted.sample_sets import samples_digest
from ted.settings import Budget
from ted.student import Student
from ted.tracing import span

FLOW_VERSION = 1
"""Of the flow: a job begun under another one is not resumed but begun anew."""


class EvaluationRunner:
    """Begins or resumes evaluations of one bank. The position of an arm stands for the epoch of its items."""

    def __init__(
        self,
        bank: Bank,
        *,
        jobs: JobStore,
        material: MaterialStore,
        calls: CallStore,
        drain: Drain | None = None,
    ) -> None:
        self._bank, self._jobs, self._material, self._calls = bank, jobs, material, calls
        self._drain = drain
        self._rows = EvaluationStore(bank.database)

    def create(
        self,
        samples: Sequence[Sample],
        arms: Sequence[Arm],
        *,
        student: str,
        teacher: str,
        profile: ProfileName,
        budget: Budget | None = None,
        once: Once | None = None,
    ) -> Job:
        """A queued job; an arm that is named twice is run once."""
        request = {
            "arms": list(dict.fromkeys(arms)),
            "student": student,
            "teacher": teacher,
            "profile": profile,
            "flow": FLOW_VERSION,
        }
        return self._jobs.create(
            self._bank.id,
            "evaluation",
            request=request,
            digest=samples_digest(samples),
            budget=asdict(budget or Budget()),
            samples=samples,
            once=once,
        )

    async def run(
        self,
        job: Job,
        *,
        student: ChatModel,
        teacher: ChatModel,
        progress: Callable[[Row], None] = lambda row: None,
    ) -> Job:
        """Runs the job to its end, or to where its budget ends. Raises Conflict while another process runs it."""
        with sole_runner(self._bank, job.id):
            found = self._jobs.get(job.id)
            return await self._run(found, student, teacher, progress) if may_go_on(found, seen=job) else found

    async def evaluate(
        self,
        samples: Sequence[Sample],
        arms: Sequence[Arm],
        *,
        student: ChatModel,
        teacher: ChatModel,
        profile: ProfileName,
        progress: Callable[[Row], None] = lambda row: None,
    ) -> Evaluation:
        """A new job run to its end, all its questions answered. Raises ModelFailure where one was not."""
        job = self.create(samples, arms, student=student.name, teacher=teacher.name, profile=profile)
        job = await self.run(job, student=student, teacher=teacher, progress=progress)
        if failures := await asyncio.to_thread(self._material.failures, job.id):
            raise ModelFailure(
                f"{len(failures)} questions were not answered, the first by: {failures[0]['error']} "
                f"(`ted jobs retry {job.id}` asks them again)"
            )
        if job.status != "succeeded":
            raise Conflict(f"job {job.id} is {job.status}: `ted jobs show {job.id}` tells why")
        return await asyncio.to_thread(self.evaluation, job.id)

    def evaluation(self, job_id: str) -> Evaluation:
        """The figures over the questions that were answered under every arm, and all rows there are."""
        job, samples = self._jobs.get(job_id), self._jobs.samples(job_id)
        arms: list[Arm] = job.request["arms"]
        places = [Place(job.id, n, sample.id) for n in range(len(arms)) for sample in samples]
        outcomes = (self._material.outcome(place) for place in places)
        rows = [Row.from_json(found) for found in outcomes if found]
        asked = {(row.arm, row.sample) for row in rows}
        missing = {sample.id for sample in samples for arm in arms if (arm, sample.id) not in asked}
        paired = [row for row in rows if row.sample not in missing]
        return Evaluation(tuple(figures(paired, arm) for arm in arms) if paired else (), tuple(rows))

    async def _run(
        self, job: Job, student: ChatModel, teacher: ChatModel, progress: Callable[[Row], None]
    ) -> Job:
        job = self._jobs.begin(job.id, among=(job.status,))
        checkpoint = partial(self._jobs.checkpoint, job)
        owner, budget = Owner(job.project_id, job.bank_id, job.id, job.key_id), Budget(**job.budget)
        ledger = Ledger(self._calls, owner, budget, checkpoint=checkpoint, drain=self._drain)
        profile = PROFILES[job.request["profile"]]
        small = Student(ledger.around(student), profile)
        large = Student(ledger.around(teacher), profile) if "teacher" in job.request["arms"] else small
        samples = await asyncio.to_thread(self._jobs.samples, job.id)

        async def work() -> None:
            for number, arm in enumerate(job.request["arms"]):
                model = large if arm == "teacher" else small
                await all_of(
                    self._one(Place(job.id, number, sample.id), arm, sample, model, progress)
                    for sample in samples
                )

        if ended := await done_or_ended(work(), checkpoint, job=job, jobs=self._jobs):
            return ended
        return await asyncio.to_thread(self._ended, job)

    async def _one(
        self, place: Place, arm: Arm, sample: Sample, model: Student, progress: Callable[[Row], None]
    ) -> None:
        """What it retrieved is kept before it is asked, so that a run that goes on asks the same."""
        if found := await asyncio.to_thread(self._material.outcome, place):
            progress(Row.from_json(found))
            return
        try:
            with span("item", ted_job_id=place.job_id, ted_arm=arm):
                started = time.perf_counter()
                retrieval = await asyncio.to_thread(self._material.frozen_retrieval, place)
                if retrieval is None:
                    mode: Mode = "retrieve" if arm == "retrieve" else "none"
                    retrieval = await retrieved_for(sample.question, self._bank, mode)
                    await asyncio.to_thread(self._material.freeze_retrieval, place, retrieval)
                found_in = time.perf_counter() - started
                row = await answered(sample, arm, retrieval, model, job_id=place.job_id)
        except ModelFailure as error:
            await asyncio.to_thread(self._material.fail, place, str(error))
            return
        row = replace(row, seconds=found_in + row.seconds)
        await asyncio.to_thread(self._material.keep_outcome, place, asdict(row))
        progress(row)

    def _ended(self, job: Job) -> Job:
        """Questions that nobody answered under some arm are told: the figures are of the others."""
        evaluation, failures = self.evaluation(job.id), self._material.failures(job.id)
        self._rows.keep(job.id, [asdict(row) | {"sample_id": row.sample} for row in evaluation.rows])
        result = {"arms": [asdict(a) for a in evaluation.arms], "failures": failures}
        if not evaluation.arms:
            error = f"no question was answered under every arm: {failures[0]['error']}"
            return self._jobs.finish(job.id, "failed", result=result, error=error)
        return self._jobs.finish(job.id, "succeeded", result=result)


async def run_submitted(ted: Installation, job: Job) -> Job:
    """Runs a job by the models that it names."""
    bank = await asyncio.to_thread(ted.bank, job.bank_id)
    runner = EvaluationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls, drain=ted.drain)
    student, teacher = ted.student(job.request["student"]), ted.teacher(job.request["teacher"])
    return await runner.run(job, student=student, teacher=teacher)
