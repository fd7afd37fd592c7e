"""An evaluation as a job: each question under each arm is an item, kept when it is answered and not asked again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from ted.bank.bank import Bank
from ted.bank.calls import CallStore, Owner
from ted.bank.evaluations import EvaluationStore
from ted.bank.job_values import Job, may_go_on
from ted.bank.jobs import JobStore
from ted.bank.material import MaterialStore, Place
from ted.bank.once import Once
from ted.bank.training import question_keys, trained_on
from ted.chat import ChatModel
from ted.draining import Drain
from ted.errors import Conflict, ModelFailure
from ted.evaluation.arms import Arms
from ted.evaluation.options import Options, check_labelled, overlapping, refused
from ted.evaluation.report import Report
from ted.evaluation.rows import Arm, Row
from ted.gathering import all_of
from ted.grading.grading import Grading, needs_judge
from ted.jobs.installation import Installation
from ted.jobs.reports import EvaluationReports
from ted.jobs.sole_writer import sole_runner
from ted.jobs.stopping import done_or_ended
from ted.ledger import Ledger
from ted.profile import PROFILES
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
        self._rows, self._reports = EvaluationStore(bank.database), EvaluationReports(bank.database, jobs)

    def create(
        self,
        samples: Sequence[Sample],
        options: Options,
        *,
        student: str,
        teacher: str,
        judge: str | None = None,
        budget: Budget | None = None,
        once: Once | None = None,
    ) -> Job:
        """A queued job; an arm that is named twice is run once.

        Raises BadInput for arms that cannot be run, for samples without a reference, and for those that the bank was
        distilled from unless allowed.
        """
        options.check(self._bank.id)
        check_labelled(samples)
        overlap = self._overlap(samples)
        if overlap and not options.allow_overlap:
            raise refused(overlap)
        request = {
            **asdict(options),
            "arms": list(dict.fromkeys(options.arms)),
            "overlap": [sample.id for sample, _ in overlap],
            "student": student,
            "teacher": teacher,
            "judge": judge,
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

    def _overlap(self, samples: Sequence[Sample]) -> list[tuple[Sample, str]]:
        with self._bank.database.reading() as session:
            trained, keys = trained_on(session, self._bank.id), question_keys(session, self._bank.id)
        return overlapping(samples, trained, keys)

    async def run(
        self,
        job: Job,
        *,
        student: ChatModel,
        teacher: ChatModel,
        judge: ChatModel | None = None,
        irrelevant: Bank | None = None,
        progress: Callable[[Row], None] = lambda row: None,
    ) -> Job:
        """Runs the job to its end, or to where its budget ends. Raises Conflict while another process runs it.

        `judge`: who judges where a sample says so, None: the teacher; `irrelevant`: the bank that its request names.
        """
        with sole_runner(self._bank, job.id):
            found = self._jobs.get(job.id)
            if not may_go_on(found, seen=job):
                return found
            return await self._run(found, student, teacher, judge or teacher, irrelevant, progress)

    async def evaluate(
        self,
        samples: Sequence[Sample],
        options: Options,
        *,
        student: ChatModel,
        teacher: ChatModel,
        judge: ChatModel | None = None,
        irrelevant: Bank | None = None,
        progress: Callable[[Row], None] = lambda row: None,
    ) -> Report:
        """A new job run to its end, all its questions answered. Raises ModelFailure where one was not."""
        named = judge.name if judge else None
        job = self.create(samples, options, student=student.name, teacher=teacher.name, judge=named)
        job = await self.run(
            job, student=student, teacher=teacher, judge=judge, irrelevant=irrelevant, progress=progress
        )
        if failures := await asyncio.to_thread(self._material.failures, job.id):
            raise ModelFailure(
                f"{len(failures)} questions were not answered, the first by: {failures[0]['error']} "
                f"(`ted jobs retry {job.id}` asks them again)"
            )
        if job.status != "succeeded":
            raise Conflict(f"job {job.id} is {job.status}: `ted jobs show {job.id}` tells why")
        return await asyncio.to_thread(self._reports.report, job.id)

    async def _run(
        self,
        job: Job,
        student: ChatModel,
        teacher: ChatModel,
        judge: ChatModel,
        irrelevant: Bank | None,
        progress: Callable[[Row], None],
    ) -> Job:
        job = self._jobs.begin(job.id, among=(job.status,))
        checkpoint = partial(self._jobs.checkpoint, job)
        owner, budget = Owner(job.project_id, job.bank_id, job.id, job.key_id), Budget(**job.budget)
        ledger = Ledger(self._calls, owner, budget, checkpoint=checkpoint, drain=self._drain)
        profile, samples = (
            PROFILES[job.request["profile"]],
            await asyncio.to_thread(self._jobs.samples, job.id),
        )
        small = Student(ledger.around(student), profile)
        asks_teacher = {"teacher", "cascade"} & set(job.request["arms"])
        asking = Arms(
            bank=self._bank,
            student=small,
            teacher=Student(ledger.around(teacher), profile) if asks_teacher else small,
            grading=Grading(ledger.around(judge) if needs_judge(samples) else None),
            irrelevant=irrelevant,
            demonstrations=job.request.get("demonstrations"),
            cascade=self._bank.record.cascade,
        )

        async def work() -> None:
            for number, arm in enumerate(job.request["arms"]):
                await all_of(
                    self._one(Place(job.id, number, sample.id), arm, sample, asking, progress)
                    for sample in samples
                )

        if ended := await done_or_ended(work(), checkpoint, job=job, jobs=self._jobs):
            return ended
        return await asyncio.to_thread(self._ended, job)

    async def _one(
        self, place: Place, arm: Arm, sample: Sample, asking: Arms, progress: Callable[[Row], None]
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
                    retrieval = await asking.found(sample.question, arm)
                    await asyncio.to_thread(self._material.freeze_retrieval, place, retrieval)
                found_in = time.perf_counter() - started
                row = await asking.answered(sample, arm, retrieval, job_id=place.job_id)
        except ModelFailure as error:
            await asyncio.to_thread(self._material.fail, place, str(error))
            return
        row = replace(row, seconds=found_in + row.seconds)
        await asyncio.to_thread(self._material.keep_outcome, place, row.to_json())
        progress(row)

    def _ended(self, job: Job) -> Job:
        """Questions that nobody answered under some arm are told: the figures are of the others."""
        report = self._reports.report(job.id)
        self._rows.keep(job.id, [_kept(row) for row in report.rows])
        told = report.to_json()
        result = {name: told[name] for name in ("arms", "comparisons", "break_even", "cascade", "failures")}
        if not report.arms:
            error = f"no question was answered under every arm: {report.failures[0]['error']}"
            return self._jobs.finish(job.id, "failed", result=result, error=error)
        return self._jobs.finish(job.id, "succeeded", result=result)


async def run_submitted(ted: Installation, job: Job) -> Job:
    """Runs a job by the models that it names."""
    bank = await asyncio.to_thread(ted.bank, job.bank_id)
    runner = EvaluationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls, drain=ted.drain)
    asked = job.request
    other, judge = asked.get("irrelevant_bank"), asked.get("judge")
    return await runner.run(
        job,
        student=ted.student(asked["student"]),
        teacher=ted.teacher(asked["teacher"]),
        judge=ted.judge(judge) if judge else None,
        irrelevant=await asyncio.to_thread(ted.bank, other) if other else None,
    )


def _kept(row: Row) -> dict[str, Any]:
    told = row.to_json()
    details = {name: told[name] for name in ("reason", "demonstrations", "vote")}
    return told | {"sample_id": row.sample, "details": details}
