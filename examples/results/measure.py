"""Measures with the real local models: distils, evaluates, keeps the rows. What is kept is not measured again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from examples.results.domains import AS_IT_IS, TEACHER, Variant, irrelevant_to, samples_of
from examples.results.kept import Measured, distillations_of, keep_distillation, keep_rows, rows_of
from index.faiss_index import FaissIndex
from ted.bank.bank import Bank
from ted.bank.changes import Change, Occasion
from ted.bank.job_values import Job
from ted.bootstrap import Ted
from ted.errors import Conflict, NotFound
from ted.evaluation.options import Options as EvaluationOptions
from ted.evaluation.rows import Arm
from ted.jobs.compression import CompressionRunner
from ted.jobs.distillation import DistillationRunner, Options
from ted.jobs.evaluation import EvaluationRunner
from ted.operations import Add
from ted.settings import Budget, RetrievalSettings

ARMS: tuple[Arm, ...] = ("none", "demos", "irrelevant", "retrieve", "all", "teacher")


@dataclass(frozen=True, slots=True)
class Bench:
    """An installation with the local models, and where rows are kept."""

    ted: Ted
    folder: Path

    async def measure(self, measured: Measured, variant: Variant) -> None:
        """The rows of one variant; those of the way as it is are under all arms, the others' under `retrieve`."""
        arms: tuple[Arm, ...] = ARMS if variant == AS_IT_IS else ("retrieve",)
        if measured in rows_of(self.folder):
            return
        with self._searched(await self._bank(measured, variant), variant) as bank:
            irrelevant = None
            if "irrelevant" in arms:
                irrelevant = await self._as_it_is(measured.student, irrelevant_to(measured.domain))
            runner = EvaluationRunner(
                bank, jobs=self.ted.jobs, material=self.ted.material, calls=self.ted.calls
            )
            report = await runner.evaluate(
                samples_of(measured.domain, "eval"),
                EvaluationOptions(arms, "compact", irrelevant.id if irrelevant else None),
                student=self.ted.student(f"local/{measured.student}"),
                teacher=self.ted.teacher(f"local/{TEACHER}"),
                irrelevant=irrelevant,
            )
        keep_rows(self.folder, measured, report.rows)

    async def _bank(self, measured: Measured, variant: Variant) -> Bank:
        if variant.options is not None:
            return await self._distilled(measured, variant.options)
        bank = await self._as_it_is(measured.student, measured.domain)
        return await self._copied(bank, measured, variant) if variant.copied else bank

    async def _as_it_is(self, student: str, domain: str) -> Bank:
        assert AS_IT_IS.options is not None
        return await self._distilled(Measured(student, domain, AS_IT_IS.name), AS_IT_IS.options)

    async def _distilled(self, measured: Measured, options: Options) -> Bank:
        """The variant's own bank, distilled now or before; a run that was interrupted goes on."""
        bank = self._named(measured)
        if measured in distillations_of(self.folder) and bank.experiences():
            return bank
        ted, began = self.ted, time.monotonic()
        student, teacher = ted.student(f"local/{measured.student}"), ted.teacher(f"local/{TEACHER}")
        runner = DistillationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
        job = runner.find_or_create(
            samples_of(measured.domain, "train"),
            options,
            student=student.name,
            teacher=teacher.name,
            budget=Budget(),
            new_run=False,
        )
        job = await runner.run(job, student=student, teacher=teacher)
        self._keep(measured, bank, job, began, "samples", "teacher_solved", "operations", "spent")
        return bank

    def _keep(self, measured: Measured, bank: Bank, job: Job, began: float, *figures: str) -> None:
        if job.result is None:
            raise Conflict(f"job {job.id} is {job.status}: {job.error or job.reason}")
        statuses = ("active", "candidate", "rejected")
        told = {name: job.result[name] for name in figures}
        told["seconds"] = round(time.monotonic() - began, 1)
        told["experiences"] = {status: len(bank.experiences(status=(status,))) for status in statuses}
        keep_distillation(self.folder, measured, told)

    async def _copied(self, bank: Bank, measured: Measured, variant: Variant) -> Bank:
        copy, began = self._named(measured), time.monotonic()
        if not copy.experiences():
            whole = variant.copied == "compressed"
            changes = [
                Change(Add(e.when_to_use, e.content), keys=e.keys if whole else (), tags=e.tags)
                for e in bank.experiences()
            ]
            await copy.apply(changes, Occasion("copied"))
        if variant.copied == "compressed":
            teacher = self.ted.teacher(f"local/{TEACHER}")
            runner = CompressionRunner(copy, jobs=self.ted.jobs, calls=self.ted.calls)
            job = runner.find_or_create(teacher=teacher.name, profile="compact")
            job = await runner.run(job, teacher=teacher)
            self._keep(measured, copy, job, began, "operations", "spent")
        return copy

    def _named(self, measured: Measured) -> Bank:
        name = f"{measured.student}.{measured.domain}.{measured.variant}"
        try:
            return self.ted.bank(name)
        except NotFound:
            return self.ted.create_bank(name)

    @contextmanager
    def _searched(self, bank: Bank, variant: Variant) -> Iterator[Bank]:
        """The bank as the variant searches it; afterwards it is set as before."""
        usual = bank.record.retrieval
        self._set(bank, variant.retrieval(usual))
        try:
            if variant.centring:
                yield bank
            else:
                yield Bank(
                    bank.id,
                    database=self.ted.database,
                    text_embedder=self.ted.text_embedder,
                    image_embedder=self.ted.image_embedder,
                    new_index=FaissIndex,
                    centring=False,
                )
        finally:
            self._set(bank, usual)

    def _set(self, bank: Bank, retrieval: RetrievalSettings) -> None:
        self.ted.banks.change(bank.id, lambda settings: replace(settings, retrieval=retrieval))
