"""Jobs, their items and events as they are shown. As they are asked for they are job_requests'."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field

from api.schemas.answers import UsageShown
from api.schemas.common import Shown, Time
from ted.bank.job_events import Event
from ted.bank.job_listings import Item, JobDetails
from ted.bank.job_values import JobKind, JobStatus
from ted.bank.origins import Material


class RequestCounts(Shown):
    """Samples times epochs, or arms; keys, of a re-embedding. `skipped`: completed, and every attempt was right.

    `quarantined`: not worked on before somebody accepted it.
    """

    total: int
    completed: int
    failed: int
    skipped: int
    quarantined: int


class JobUsage(UsageShown):
    """Of all answered calls; `priced_usd` sums the known prices, `unpriced_calls` counts the calls without one."""

    calls: int
    priced_usd: float
    unpriced_calls: int


class JobOut(Shown):
    """A job. `cost_usd` is null where the price of any of its calls is not known."""

    object: Literal["job"] = "job"
    id: str = Field(examples=["job_06b3x0c5r4t1m2n8"])
    kind: JobKind
    bank: str
    status: JobStatus
    reason: str | None = Field(description="Why it is paused.")
    request: dict[str, Any] = Field(description="Models and options.")
    request_counts: RequestCounts
    usage: JobUsage
    cost_usd: float | None
    budget: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    created_at: Time
    started_at: Time | None
    finished_at: Time | None

    @staticmethod
    def of(details: JobDetails) -> JobOut:
        job, counts, spent = details.job, details.counts, details.spent
        return JobOut(
            id=job.id,
            kind=job.kind,
            bank=job.bank_id,
            status=job.status,
            reason=job.reason,
            request=job.request,
            request_counts=RequestCounts(
                total=counts.total,
                completed=counts.completed,
                failed=counts.failed,
                skipped=counts.skipped,
                quarantined=counts.quarantined,
            ),
            usage=JobUsage(
                prompt_tokens=spent.prompt_tokens,
                completion_tokens=spent.completion_tokens,
                total_tokens=spent.tokens,
                calls=spent.calls,
                priced_usd=spent.cost_usd,
                unpriced_calls=spent.unpriced,
            ),
            cost_usd=None if spent.unpriced else spent.cost_usd,
            budget=job.budget,
            result=job.result,
            error=job.error,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


class ItemOut(Shown):
    """The work on one sample in one epoch, as far as it was begun. `correct` is the share of right attempts.

    Of an evaluation an item is a question under an arm; the arms are numbered as epochs. Of a compression it is a removal,
    union, merge or rewrite (`merge:...`), or a question to validate with, before or after.
    """

    object: Literal["job.item"] = "job.item"
    id: str = Field(examples=["0:s-0123456789ab"])
    epoch: int
    sample_id: str
    status: str = Field(examples=["running", "done", "all_correct", "no_majority", "failed", "quarantined"])
    question: str
    correct: float | None
    changes: int = Field(description="Changes of the bank that came of it.")
    skipped: int = Field(description="What models wrote and was not used.")
    unlabelled: bool = Field(description="Its sample has no reference, so it was graded against `stand_in`.")
    stand_in: str | None = Field(description="The answer that most of the teacher's solutions agree on.")
    result: dict[str, Any] | None = Field(
        description="Of an evaluation: arm, reference, final_answer, experiences, abstained, tokens, cost, seconds. Of a "
        "compression: kind, experience_ids, result, and as refusal why it was left undone."
    )
    error: str | None
    finished_at: Time | None

    @staticmethod
    def of(item: Item) -> ItemOut:
        return ItemOut(
            id=item.id,
            epoch=item.epoch,
            sample_id=item.sample_id,
            status=item.status,
            question=item.question,
            correct=item.correct,
            changes=item.changes,
            skipped=item.skipped,
            unlabelled=item.unlabelled,
            stand_in=item.stand_in,
            result=item.row,
            error=item.error,
            finished_at=item.finished_at,
        )


class EventOut(Shown):
    """A change of a job (`job.running`) or of an item of it (`item.done`), or how far a job without items is
    (`job.progress`). Ids count from 1 within the job.
    """

    object: Literal["job.event"] = "job.event"
    id: str = Field(examples=["12"])
    job_id: str
    event: str = Field(
        examples=["job.queued", "job.running", "job.paused", "job.succeeded", "item.running", "item.failed"]
    )
    data: dict[str, Any]
    created_at: Time

    @staticmethod
    def of(event: Event) -> EventOut:
        return EventOut(
            id=str(event.sequence),
            job_id=event.job_id,
            event=event.event,
            data=event.data,
            created_at=event.created_at,
        )


class TriedOut(Shown):
    """One attempt of the student; `steps` are premises, steps and conclusion, `used` the labels it says it used."""

    number: int
    text: str
    final_answer: str | None
    steps: list[str]
    used: list[str]
    correct: bool
    reason: str


class SolvedOut(Shown):
    """The teacher's own solution; `rationalised`: it was shown the reference."""

    final_answer: str
    steps: list[str]
    correct: bool
    rationalised: bool


class CriticisedOut(Shown):
    """The teacher's comparison: findings by trajectory, verdicts by label, the operations it proposed."""

    findings: list[dict[str, Any]]
    verdicts: dict[str, str]
    operations: list[dict[str, Any]]


class MaterialOut(Shown):
    """All that a job has of one sample in one epoch. `images` by their sha256; `answer` is the reference."""

    object: Literal["job.material"] = "job.material"
    job_id: str
    epoch: int
    sample_id: str
    status: str
    question: str
    images: list[str]
    answer: str
    error: str | None
    trajectories: list[TriedOut]
    solution: SolvedOut | None
    critique: CriticisedOut | None

    @staticmethod
    def of(material: Material) -> MaterialOut:
        return MaterialOut.model_validate(asdict(material))
