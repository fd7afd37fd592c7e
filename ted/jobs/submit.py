"""Jobs made to be run by a worker: checked beforehand, queued. Running them is ted/jobs/run's.

Each takes a key under which the same request makes one job, however often and however parallel it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ted.bank.bank import Bank
from ted.bank.calls import Owner
from ted.bank.from_answers import FromAnswers
from ted.bank.job_values import Job
from ted.bank.once import Once
from ted.bank.stored import StoredBank
from ted.chat import ChatModel
from ted.compression.settings import CompressionSettings
from ted.evaluation import options as evaluation
from ted.grading.grading import needs_judge
from ted.jobs import from_feedback
from ted.jobs.bank_merge import BankMergeRunner
from ted.jobs.compression import TOLERANCE, CompressionRunner, Validation
from ted.jobs.distillation import DistillationRunner, Options, digest_of
from ted.jobs.evaluation import EvaluationRunner
from ted.jobs.installation import Installation
from ted.jobs.reembedding import reembedding_runner
from ted.ledger import Ledger
from ted.profile import ProfileName
from ted.sample import Sample
from ted.settings import Budget


def submit_distillation(
    ted: Installation,
    bank: Bank,
    samples: Sequence[Sample],
    options: Options,
    *,
    budget: Budget,
    validation: Sequence[Sample] = (),
    once: Once | None = None,
) -> Job:
    """A queued distillation of the configured models. One that rests at its budget goes on, with this budget.

    Raises BadSetting for a budget that cannot be kept, QuotaExhausted for a key's that is spent, Conflict while another
    job writes the bank or waits to, BadInput for `validation` samples that are training samples, too.
    """
    student, teacher = ted.student(), ted.teacher()
    judge = ted.judge() if needs_judge((*samples, *validation)) else None
    _check_budget(ted, bank, budget, student, teacher, *([judge] if judge else []))
    named = judge.name if judge else None
    if once is not None and (made := ted.jobs.made(bank.id, once)):
        return made
    latest = ted.jobs.latest(
        bank.id, digest_of(samples, options, student.name, teacher.name, named, validation)
    )
    if latest is not None and latest.status == "paused":
        return ted.jobs.queue(latest.id, asdict(budget), once=once)
    runner = DistillationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
    return runner.find_or_create(
        samples,
        options,
        student=student.name,
        teacher=teacher.name,
        judge=named,
        budget=budget,
        new_run=True,
        validation=validation,
        once=once,
    )


def submit_from_feedback(
    ted: Installation,
    bank: Bank,
    found: FromAnswers,
    options: Options,
    *,
    budget: Budget,
    once: Once | None = None,
) -> Job:
    """A queued distillation of answers by the configured models. One that rests goes on, with this budget.

    Raises NothingToDistil where there is neither, and as `submit_distillation`.
    """
    student, teacher = ted.student(), ted.teacher()
    _check_budget(ted, bank, budget, student, teacher)
    if once is not None and (made := ted.jobs.made(bank.id, once)):
        return made
    resting = from_feedback.unfinished(
        ted.jobs, bank, options, student=student.name, teacher=teacher.name, among=("paused",)
    )
    if resting is not None:
        return ted.jobs.queue(resting.id, asdict(budget), once=once)
    return from_feedback.begin(
        ted.jobs,
        bank,
        found,
        options,
        student=student.name,
        teacher=teacher.name,
        budget=budget,
        once=once,
    )


def submit_compression(
    ted: Installation,
    bank: Bank,
    *,
    profile: ProfileName,
    settings: CompressionSettings,
    budget: Budget,
    validation: Sequence[Sample] = (),
    tolerance: float = TOLERANCE,
    once: Once | None = None,
) -> Job:
    """A queued compression by the configured teacher, checked with the `validation` samples if there are any. One that
    rests goes on, with this budget.

    Raises BadSetting for a budget that cannot be kept, QuotaExhausted for a key's that is spent, Conflict while another
    job writes the bank or waits to, BadInput for samples that the bank was distilled from.
    """
    teacher, student = ted.teacher(), ted.student()
    judge = ted.judge() if needs_judge(validation) else None
    asked = [teacher, *([student] if validation else []), *([judge] if judge else [])]
    _check_budget(ted, bank, budget, *asked)
    named = judge.name if judge else None
    check = Validation(tuple(validation), student.name, named, tolerance) if validation else None
    runner = CompressionRunner(bank, jobs=ted.jobs, calls=ted.calls)
    if once is not None and (made := ted.jobs.made(bank.id, once)):
        return made
    latest = runner.latest(teacher=teacher.name, profile=profile, settings=settings, validation=check)
    if latest is not None and latest.status == "paused":
        return ted.jobs.queue(latest.id, asdict(budget), once=once)
    return runner.create(
        teacher=teacher.name, profile=profile, settings=settings, budget=budget, validation=check, once=once
    )


def submit_bank_merge(
    ted: Installation,
    bank: Bank,
    source_id: str,
    *,
    profile: ProfileName,
    budget: Budget,
    once: Once | None = None,
) -> Job:
    """A queued merge of another bank into this one, by the configured teacher. One that rests goes on, with this budget.

    Raises BadSetting for a budget that cannot be kept; Conflict where the two cannot be one, and while another job
    writes the bank or waits to.
    """
    teacher = ted.teacher()
    _check_budget(ted, bank, budget, teacher)
    runner = BankMergeRunner(bank, jobs=ted.jobs, calls=ted.calls)
    if once is not None and (made := ted.jobs.made(bank.id, once)):
        return made
    latest = runner.latest(source_id, teacher=teacher.name, profile=profile)
    if latest is not None and latest.status == "paused":
        return ted.jobs.queue(latest.id, asdict(budget), once=once)
    return runner.create(source_id, teacher=teacher.name, profile=profile, budget=budget, once=once)


def submit_evaluation(
    ted: Installation,
    bank: Bank,
    samples: Sequence[Sample],
    options: evaluation.Options,
    *,
    budget: Budget,
    once: Once | None = None,
) -> Job:
    """A queued evaluation of the configured models. Raises BadSetting for a budget that cannot be kept.

    Raises BadInput for arms that cannot be run, and for samples that the bank was distilled from unless allowed.
    """
    student, teacher = ted.student(), ted.teacher()
    judge = ted.judge() if needs_judge(samples) else None
    small, large = options.models
    asked = [(small, student), (large or (needs_judge(samples) and judge is None), teacher)]
    _check_budget(
        ted, bank, budget, *(model for wanted, model in asked if wanted), *([judge] if judge else [])
    )
    if once is not None and (made := ted.jobs.made(bank.id, once)):
        return made
    runner = EvaluationRunner(bank, jobs=ted.jobs, material=ted.material, calls=ted.calls)
    return runner.create(
        samples,
        options,
        student=student.name,
        teacher=teacher.name,
        judge=judge.name if judge else None,
        budget=budget,
        once=once,
    )


def submit_reembedding(ted: Installation, bank: StoredBank, *, once: Once | None = None) -> Job:
    """A queued re-embedding by the embedders of this process. One that rests goes on.

    Raises Conflict while another job writes the bank or waits to.
    """
    runner = reembedding_runner(ted, bank)
    if once is not None and (made := ted.jobs.made(bank.id, once)):
        return made
    resting = runner.unfinished()
    if resting is not None and resting.status == "paused":
        return ted.jobs.queue(resting.id, resting.budget, once=once)
    return runner.create(once=once)


def _check_budget(ted: Installation, bank: Bank, budget: Budget, *models: ChatModel) -> None:
    ted.calls.accounts.check(ted.caller.key_id)
    account = Ledger(ted.calls, Owner(bank.record.project_id, bank.id, ""), budget)
    for model in models:
        account.around(model)
