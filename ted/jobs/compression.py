"""Compressions as jobs, and within distillations; resumed ones repeat no answered call and change a bank once only."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from ted.bank.bank import Bank
from ted.bank.calls import CallStore, Owner
from ted.bank.compressing import CompressionStore
from ted.bank.job_values import UNFINISHED, Job, may_go_on
from ted.bank.jobs import JobStore
from ted.bank.material import MaterialStore
from ted.bank.once import Once
from ted.chat import ChatModel
from ted.compression.bound import is_over
from ted.compression.checking import Check, compress_checked
from ted.compression.flow import compress, result_of
from ted.compression.items import CompressionItems
from ted.compression.result import CompressionResult, Moment
from ted.compression.settings import CompressionSettings
from ted.draining import Drain
from ted.errors import BadInput, BadSetting
from ted.grading.grading import Grading, needs_judge
from ted.jobs.installation import Installation
from ted.jobs.sole_writer import sole_writer
from ted.jobs.stopping import done_or_ended
from ted.jobs.validation import check_apart
from ted.ledger import Ledger
from ted.profile import PROFILES, ProfileName
from ted.sample import Sample
from ted.sample_sets import samples_digest
from ted.settings import Budget
from ted.student import Student
from ted.teacher import Teacher

CHECKED = "job.checked"
"""The event that tells what the samples to validate with said."""

FLOW_VERSION = 2
"""Of the flow: a job begun under another one is not resumed but begun anew."""

TOLERANCE = 0.02
"""By so much the share of right answers may fall unless said otherwise: one in fifty."""


@dataclass(frozen=True, slots=True)
class Validation:
    """Samples that the bank is checked with, the names of who answers and judges them (None: the teacher), and by how
    much the share of right answers may fall."""

    samples: tuple[Sample, ...]
    student: str
    judge: str | None = None
    tolerance: float = TOLERANCE

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance <= 1:
            raise BadSetting(f"tolerance is {self.tolerance}: it must be a share from 0 to 1")


class CompressionRunner:
    """Begins or resumes compressions of one bank."""

    def __init__(self, bank: Bank, *, jobs: JobStore, calls: CallStore, drain: Drain | None = None) -> None:
        self._bank, self._jobs, self._calls, self._drain = bank, jobs, calls, drain
        self._material = MaterialStore(bank.database)

    def create(
        self,
        *,
        teacher: str,
        profile: ProfileName,
        settings: CompressionSettings,
        budget: Budget,
        validation: Validation | None = None,
        once: Once | None = None,
    ) -> Job:
        """A new job. Raises Conflict while another job writes the bank, waits to, or rests.

        Raises BadInput for samples to validate with that the bank was distilled from.
        """
        samples = validation.samples if validation else ()
        check_apart(self._bank, samples)
        request = _request(teacher, profile, settings, validation)
        return self._jobs.create(
            self._bank.id,
            "compression",
            request=request,
            digest=_digest(request),
            budget=asdict(budget),
            validation=samples,
            once=once,
        )

    def latest(
        self,
        *,
        teacher: str,
        profile: ProfileName,
        settings: CompressionSettings,
        validation: Validation | None = None,
    ) -> Job | None:
        """The newest job of this very compression."""
        return self._jobs.latest(self._bank.id, _digest(_request(teacher, profile, settings, validation)))

    def find_or_create(
        self,
        *,
        teacher: str,
        profile: ProfileName = "full",
        settings: CompressionSettings | None = None,
        budget: Budget | None = None,
        validation: Validation | None = None,
    ) -> Job:
        """The same compression where it is unfinished, or a new one: what has ended is run again."""
        wanted, limits = settings or CompressionSettings(), budget or Budget()
        job = self.latest(teacher=teacher, profile=profile, settings=wanted, validation=validation)
        if job is None or job.status not in UNFINISHED:
            return self.create(
                teacher=teacher, profile=profile, settings=wanted, budget=limits, validation=validation
            )
        self._jobs.set_budget(job.id, asdict(limits))
        return self._jobs.get(job.id)

    async def preview(
        self, *, settings: CompressionSettings | None = None, teacher: Teacher
    ) -> CompressionResult:
        """The plan of a compression; nothing is changed and no model is asked."""
        return await compress(self._bank, teacher, moment=Moment("preview"), settings=settings, dry_run=True)

    async def run(
        self,
        job: Job,
        *,
        teacher: ChatModel,
        student: ChatModel | None = None,
        judge: ChatModel | None = None,
    ) -> Job:
        """Runs the job to its end, or to where its budget ends. Raises Conflict while somebody else writes the bank.

        `student`: who answers where the job has samples to validate with; `judge`: who judges those, None: the teacher.
        """
        with sole_writer(self._bank):
            found = self._jobs.get(job.id)
            if not may_go_on(found, seen=job):
                return found
            return await self._run(found, teacher, student, judge or teacher)

    async def _run(self, job: Job, teacher: ChatModel, student: ChatModel | None, judge: ChatModel) -> Job:
        job = self._jobs.begin(job.id, among=(job.status,))
        checkpoint = partial(self._jobs.checkpoint, job)
        owner, budget = Owner(job.project_id, job.bank_id, job.id, job.key_id), Budget(**job.budget)
        ledger = Ledger(self._calls, owner, budget, checkpoint=checkpoint, drain=self._drain)
        request = job.request
        moment = Moment(job.id, batch=len(request.get("retries", ())))
        items = CompressionItems(self._material, moment)
        settings = CompressionSettings(request["near"], request["cluster_size"])
        asked = Teacher(ledger.around(teacher), PROFILES[request["profile"]])
        samples = await asyncio.to_thread(self._jobs.samples, job.id, role="validation")
        if samples:
            if student is None:
                raise BadInput("the compression has samples to validate with: name a student to answer them")
            check = Check(
                tuple(samples),
                Student(ledger.around(student), PROFILES[request["profile"]]),
                Grading(ledger.around(judge) if needs_judge(samples) else None),
                self._material,
                request["tolerance"],
            )
            compression = compress_checked(
                self._bank, asked, moment=moment, check=check, settings=settings, items=items
            )
        else:
            compression = compress(self._bank, asked, moment=moment, settings=settings, items=items)
        result = await done_or_ended(compression, checkpoint, job=job, jobs=self._jobs)
        if isinstance(result, Job):
            return result
        if result.check is not None:
            await asyncio.to_thread(self._jobs.tell_once, job.id, CHECKED, dict(result.check))
        report = result.to_json() | {"spent": asdict(ledger.spent)}
        if result.asked and len(result.unanswered) == result.asked:
            problem = f"the teacher could not be asked: {result.unanswered[0].detail}"
            return self._jobs.finish(job.id, "failed", result=report, error=problem)
        return self._jobs.finish(job.id, "succeeded", result=report)


async def run_submitted(ted: Installation, job: Job) -> Job:
    """Runs a job by the models that it names."""
    bank = await asyncio.to_thread(ted.bank, job.bank_id)
    runner = CompressionRunner(bank, jobs=ted.jobs, calls=ted.calls, drain=ted.drain)
    small, judge = job.request.get("student"), job.request.get("judge")
    return await runner.run(
        job,
        teacher=ted.teacher(job.request["teacher"]),
        student=ted.student(small) if small else None,
        judge=ted.judge(judge) if judge else None,
    )


def _request(
    teacher: str, profile: ProfileName, settings: CompressionSettings, validation: Validation | None
) -> dict[str, Any]:
    request = {"profile": profile, "teacher": teacher, "flow": FLOW_VERSION, **asdict(settings)}
    if validation is None:
        return request
    return request | {
        "validation": {"samples": len(validation.samples), "digest": samples_digest(validation.samples)},
        "tolerance": validation.tolerance,
        "student": validation.student,
        "judge": validation.judge,
    }


def _digest(request: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(["compression", request], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AlongTheWay:
    """Compressions within a distillation: where its bank is over its bound, and after every so many batches (0: no)."""

    bank: Bank
    teacher: Teacher
    every: int

    async def after(self, moment: Moment, *, ordinal: int) -> dict[str, Any] | None:
        """Compresses, if it is time, after the batch of this moment, the `ordinal`-th of the job, counted from 1.

        Gives what it did, or had done when the job ran before; None where it is, or was, not time.
        """
        store = CompressionStore(self.bank.database)
        begun = await asyncio.to_thread(self.bank.has_applied, moment.occasion)
        follows = await asyncio.to_thread(
            store.batch_follows, moment.job_id, moment.epoch, moment.batch, reason="distillation"
        )
        if follows:  # what was decided then stays so: the bank is another by now
            result = await asyncio.to_thread(result_of, self.bank, moment)
        elif begun or await asyncio.to_thread(self._is_time, store, ordinal):
            result = await compress(self.bank, self.teacher, moment=moment)
        else:
            result = None
        return _told(result, moment) if result else None

    def _is_time(self, store: CompressionStore, ordinal: int) -> bool:
        periodic = self.every > 0 and ordinal % self.every == 0
        return periodic or is_over(store.survey(self.bank.id))


def _told(result: CompressionResult, moment: Moment) -> dict[str, Any]:
    return {"epoch": moment.epoch, "batch": moment.batch} | result.to_json()
