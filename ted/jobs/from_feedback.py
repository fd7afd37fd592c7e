"""Distillations of what was answered wrong, or by the teacher: found or begun. Which answers these are is the store's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from ted.bank.bank import Bank
from ted.bank.from_answers import FromAnswers
from ted.bank.job_values import UNFINISHED, Job, JobStatus
from ted.bank.jobs import JobStore
from ted.bank.once import Once
from ted.errors import NothingToDistil
from ted.grading.auto import chosen_for
from ted.jobs.distillation import Options, digest_of, request_of
from ted.settings import Budget


def graded(found: FromAnswers, *, bank: str) -> FromAnswers:
    """The same with the grader that fits each reference. Raises NothingToDistil where there is no sample."""
    if not found.samples:
        raise NothingToDistil(
            f"bank '{bank}' has no answer to learn from: give feedback with a reference to what was answered wrong and "
            "have it accepted (`ted feedback`), or let its cascade harvest (`ted bank cascade`)"
        )
    samples = (s if s.unlabelled else replace(s, grader=chosen_for(s.answer)) for s in found.samples)
    return replace(found, samples=tuple(samples))


def unfinished(
    jobs: JobStore,
    bank: Bank,
    options: Options,
    *,
    student: str,
    teacher: str,
    among: Sequence[JobStatus] = UNFINISHED,
) -> Job | None:
    """The distillation from feedback that was begun with these options and models and has one of these statuses."""
    wanted = _request(options, student, teacher)
    mine = (job for job in jobs.all(bank.id, among) if job.kind == "distillation")
    return next(
        (job for job in mine if {k: v for k, v in job.request.items() if k != "retries"} == wanted), None
    )


def begin(
    jobs: JobStore,
    bank: Bank,
    found: FromAnswers,
    options: Options,
    *,
    student: str,
    teacher: str,
    budget: Budget,
    once: Once | None = None,
) -> Job:
    """A queued job of these answers, which no other job has from then on.

    Raises NothingToDistil, and Conflict while another job writes the bank or where one has taken an answer meanwhile.
    """
    found = graded(found, bank=bank.record.name)
    return jobs.create(
        bank.id,
        "distillation",
        request=_request(options, student, teacher),
        digest=digest_of(found.samples, options, student, teacher),
        budget=asdict(budget),
        samples=found.samples,
        answers=found.parts,
        once=once,
    )


def _request(options: Options, student: str, teacher: str) -> dict[str, object]:
    return request_of(options, student=student, teacher=teacher) | {"from_feedback": True}
