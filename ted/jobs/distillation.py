"""A distillation as a job: a resumed one repeats no answered call, since the ledger keeps every reply under its key."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from ted.bank.bank import Bank
from ted.bank.calls import CallStore, Owner, Spent
from ted.bank.job_values import ItemCounts, Job, may_go_on
from ted.bank.jobs import JobStore
from ted.bank.material import MaterialStore
from ted.bank.once import Once
from ted.chat import ChatModel
from ted.compression.result import Moment
from ted.distillation.flow import Batch, Settled, batches, distill, retried, settle_batch
from ted.distillation.guards import shared_ngrams
from ted.distillation.outcome import Outcome
from ted.distillation.sample_work import Workbench, work_on
from ted.draining import Drain
from ted.errors import BadInput, ModelFailure
from ted.gate.trying import Gate, nearest_samples
from ted.gate.verdict import GatePolicy
from ted.grading.grading import Grading, needs_judge
from ted.jobs.compression import AlongTheWay
from ted.jobs.installation import Installation
from ted.jobs.sole_writer import sole_writer
from ted.jobs.stopping import done_or_ended
from ted.jobs.validation import check_apart
from ted.ledger import Ledger
from ted.profile import PROFILES, Profile, ProfileName
from ted.sample import Sample
from ted.sample_sets import samples_digest
from ted.settings import Budget
from ted.student import Student
from ted.teacher import Teacher
from ted.tracing import span

FLOW_VERSION = 4
"""Of the flow: a job begun under another one is not resumed but begun anew."""


@dataclass(frozen=True, slots=True)
class Options:
    """What decides a distillation's outcome, beside its samples and models.

    `solves`: how often the teacher tries a sample on its own, None: as often as the profile says; 0: it is shown the
    reference answer alone, which saves its tries where they cannot succeed.
    """

    profile: ProfileName = "full"
    trajectories: int | None = None
    epochs: int = 1
    batch_size: int = 8
    compress_every: int = 4
    gate: GatePolicy = "none"
    solves: int | None = None

    @property
    def form(self) -> Profile:
        """The profile, with what these options say otherwise."""
        profile = PROFILES[self.profile]
        return profile if self.solves is None else replace(profile, solves=self.solves)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is, and what it has spent."""

    counts: ItemCounts
    spent: Spent


def digest_of(
    samples: Sequence[Sample],
    options: Options,
    student: str,
    teacher: str,
    judge: str | None = None,
    validation: Sequence[Sample] = (),
) -> str:
    """The same samples, options and models give the same digest: the same command goes on where it stopped.

    The judge's name counts where a sample is judged; None: the teacher judges.
    """
    parts = [FLOW_VERSION, samples_digest(samples), options.to_json(), student, teacher]
    parts += [judge] if judge and needs_judge((*samples, *validation)) else []
    parts += [["validation", samples_digest(validation)]] if validation else []
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def request_of(options: Options, *, student: str, teacher: str, judge: str | None = None) -> dict[str, Any]:
    """What a job keeps of how it was asked for."""
    models = {"student": student, "teacher": teacher, "judge": judge}
    return options.to_json() | models | {"flow": FLOW_VERSION}


def planned(job: Job, samples: Sequence[Sample]) -> list[Batch]:
    """The batches of a job in their order, those of its retries last."""
    rounds = [
        [(int(epoch), str(sample)) for epoch, sample in again] for again in job.request.get("retries", ())
    ]
    epochs, size = job.request["epochs"], job.request["batch_size"]
    plan = list(batches(job.id, samples, epochs=epochs, size=size))
    return retried(plan, samples, rounds, size=size) if rounds else plan


class DistillationRunner:
    """Begins or resumes distillations of one bank. Once `drain` has begun, a job stops before its next calls."""

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

    def find_or_create(
        self,
        samples: Sequence[Sample],
        options: Options,
        *,
        student: str,
        teacher: str,
        judge: str | None = None,
        budget: Budget,
        new_run: bool,
        validation: Sequence[Sample] = (),
        once: Once | None = None,
    ) -> Job:
        """The job of this very distillation: one that is there (ended or not), or a new one.

        `validation`: what the gate `neighbours` tries candidates on, in place of the samples. Raises BadInput where
        another gate is asked for, or samples are training samples, too.
        """
        if validation and options.gate != "neighbours":
            raise BadInput(
                f"the gate '{options.gate}' has no use for validation samples: ask for 'neighbours'"
            )
        check_apart(self._bank, validation, samples=samples)
        digest = digest_of(samples, options, student, teacher, judge, validation)
        job = None if new_run else self._jobs.latest(self._bank.id, digest)
        if job is None:
            request = request_of(options, student=student, teacher=teacher, judge=judge)
            request |= {"validation": len(validation)} if validation else {}
            return self._jobs.create(
                self._bank.id,
                "distillation",
                request=request,
                digest=digest,
                budget=asdict(budget),
                samples=samples,
                validation=validation,
                once=once,
            )
        self._jobs.set_budget(job.id, asdict(budget))
        return self._jobs.get(job.id)

    async def run(
        self,
        job: Job,
        *,
        student: ChatModel,
        teacher: ChatModel,
        judge: ChatModel | None = None,
        progress: Callable[[Progress], None] = lambda p: None,
    ) -> Job:
        """Runs the job to its end, or to where its budget ends; what is done already is not done again.

        `judge` grades where a sample says so; None: the teacher does. A job that another process ended meanwhile is
        given as it is. Raises Conflict while somebody else writes the bank.
        """
        with sole_writer(self._bank):
            found = self._jobs.get(job.id)
            if not may_go_on(found, seen=job):
                return found
            return await self._run(found, student, teacher, judge or teacher, progress)

    async def _run(
        self,
        job: Job,
        student: ChatModel,
        teacher: ChatModel,
        judge: ChatModel,
        progress: Callable[[Progress], None],
    ) -> Job:
        job = self._jobs.begin(job.id, among=(job.status,))
        checkpoint = partial(self._jobs.checkpoint, job)
        samples = await asyncio.to_thread(self._jobs.samples, job.id)
        profile = Options(job.request["profile"], solves=job.request.get("solves")).form
        owner, budget = Owner(job.project_id, job.bank_id, job.id, job.key_id), Budget(**job.budget)
        ledger = Ledger(self._calls, owner, budget, checkpoint=checkpoint, drain=self._drain)
        asked, policy = Student(ledger.around(student), profile), job.request["gate"]
        validation = await asyncio.to_thread(self._jobs.samples, job.id, role="validation")
        grading = Grading(ledger.around(judge) if needs_judge((*samples, *validation)) else None)
        held = await asyncio.to_thread(self._material.held_back, job.id)
        tried = [sample for sample in samples if sample.id not in held]
        nearest = await nearest_samples(self._bank, tried if policy == "neighbours" else (), validation)
        settings = self._bank.record.retrieval
        bench = Workbench(
            bank=self._bank,
            student=asked,
            teacher=Teacher(ledger.around(teacher), profile),
            grading=grading,
            material=self._material,
            settings=settings,
            trajectories=job.request["trajectories"] or profile.trajectories,
            template=frozenset(shared_ngrams(s.question.text for s in samples)),
            measures=self._bank.record.trials.when != "off",
            gate=None if policy == "none" else Gate(policy, self._bank, asked, grading, settings, nearest),
        )
        settled: list[Settled] = []
        compressions: list[dict[str, Any]] = []
        compression = AlongTheWay(self._bank, bench.teacher, job.request["compress_every"])

        async def work(batch: Batch, sample: Sample) -> None:
            place = batch.place(sample)
            if sample.id in held and self._material.outcome(place) is None:
                await asyncio.to_thread(self._material.quarantine, place, held[sample.id])
                progress(Progress(self._jobs.counts(job.id), ledger.spent))
                return
            # What failed in a batch that is settled stays so: its changes would not be applied any more.
            if self._material.outcome(place) is None and not self._bank.has_applied(batch.occasion):
                try:
                    with span("item", ted_job_id=job.id, ted_job_epoch=place.epoch):
                        await work_on(sample, place, bench)
                except ModelFailure as error:
                    await asyncio.to_thread(self._material.fail, place, str(error))
            progress(Progress(self._jobs.counts(job.id), ledger.spent))

        async def settle(batch: Batch) -> None:
            await asyncio.to_thread(checkpoint)
            settled.append(await settle_batch(batch, bank=self._bank, material=self._material, gate=policy))
            moment = Moment(job.id, batch.epoch, batch.number)
            if compressed := await compression.after(moment, ordinal=len(settled)):
                compressions.append(compressed)

        plan = planned(job, samples)
        flow = distill(plan, work=work, settle=settle)
        if ended := await done_or_ended(flow, checkpoint, job=job, jobs=self._jobs):
            return ended
        result = self._result(job, samples, settled, ledger.spent) | {"compressions": compressions}
        counts = self._jobs.counts(job.id)
        if counts.failed and not counts.completed:
            return self._jobs.finish(
                job.id,
                "failed",
                result=result,
                error=f"no sample could be worked on: {result['failures'][0]['error']}",
            )
        return self._jobs.finish(job.id, "succeeded", result=result)

    def _result(
        self, job: Job, samples: Sequence[Sample], settled: Sequence[Settled], spent: Spent
    ) -> dict[str, Any]:
        outcomes = [
            Outcome.from_json(found)
            for batch in batches(job.id, samples, epochs=job.request["epochs"], size=len(samples))
            for sample in batch.samples
            if (found := self._material.outcome(batch.place(sample)))
        ]
        skipped = [s for o in outcomes for s in o.skipped] + [s for b in settled for s in b.skipped]
        graded = [o.correct for o in outcomes if o.correct is not None and not o.unlabelled]
        operations: Counter[str] = Counter()
        for one in settled:
            operations.update(one.applied.counts)
        return {
            "samples": len(samples),
            "items": asdict(self._jobs.counts(job.id)),
            "unlabelled": sum(sample.unlabelled for sample in samples),
            "no_majority": sum(o.unlabelled and o.stand_in is None for o in outcomes),
            "student_correct": sum(graded) / max(1, len(graded)),
            "teacher_solved": sum(o.solved is True for o in outcomes),
            "rationalised": sum(o.rationalised for o in outcomes),
            "operations": dict(operations),
            "united": sum(one.united for one in settled),
            "mended": sum(o.mended for o in outcomes),
            "skipped": [asdict(s) for s in skipped],
            "failures": self._material.failures(job.id),
            "quarantined": [
                {"sample": sample, "why": why} for sample, why in self._material.held_back(job.id).items()
            ],
            "spent": asdict(spent),
            "experiences": len(self._bank.experiences()),
        }


async def run_submitted(ted: Installation, job: Job) -> Job:
    """Runs a job by the models that it names."""
    bank = await asyncio.to_thread(ted.bank, job.bank_id)
    runner = DistillationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls, drain=ted.drain)
    student, teacher = ted.student(job.request["student"]), ted.teacher(job.request["teacher"])
    judge = ted.judge(named) if (named := job.request.get("judge")) else None
    return await runner.run(job, student=student, teacher=teacher, judge=judge)
