"""Distillations as they are asked for, jobs and items as they are shown."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.schemas.answers import UsageShown
from api.schemas.common import Body, Shown, Text, Time
from ted.bank.job_events import Event
from ted.bank.job_listings import Item, JobDetails
from ted.bank.jobs import JobKind, JobStatus
from ted.compression.result import CompressionResult
from ted.compression.settings import CompressionSettings
from ted.evaluation.flow import Arm
from ted.jobs.distillation import Options
from ted.jobs.estimate import Amount, Estimate
from ted.profile import ProfileName
from ted.sample_fields import GRADER_NAMES
from ted.settings import Budget

_SAMPLE: dict[str, Any] = {
    "type": "object",
    "required": ["question", "answer"],
    "additionalProperties": False,
    "properties": {
        "question": {"type": "string"},
        "answer": {"type": "string", "description": "The reference answer."},
        "images": {"type": "array", "items": {"type": "string"}, "description": "Data URLs."},
        "grader": {
            "description": "Its name, or an object with `kind`; `numeric` may have a `tolerance`.",
            "anyOf": [
                {"enum": list(GRADER_NAMES)},
                {
                    "type": "object",
                    "required": ["kind"],
                    "properties": {
                        "kind": {"enum": list(GRADER_NAMES)},
                        "tolerance": {"type": "number", "minimum": 0},
                    },
                },
            ],
            "default": "exact",
        },
        "id": {"type": "string", "description": "Unique in the list; left out: made from the content."},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


class BudgetIn(Body):
    """Hard limits on what the job may spend; null is no limit. A limit in dollars needs models of known price."""

    usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    tokens: int | None = Field(default=None, ge=0, le=10**15)
    calls: int | None = Field(default=None, ge=0, le=10**12)

    @property
    def budget(self) -> Budget:
        return Budget(self.usd, self.tokens, self.calls)


class ResumeIn(Body):
    """Another budget for a job that goes on; left out, it keeps its own."""

    budget: BudgetIn | None = None

    @property
    def limits(self) -> dict[str, Any] | None:
        return asdict(self.budget.budget) if self.budget else None


class SamplesIn(Body):
    """Samples, as part of a request or of a file that was uploaded before: one of the two."""

    samples: list[Any] | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Checked as a whole: where one cannot be used, nothing is done and all bad ones are told.",
        json_schema_extra={
            "anyOf": [{"type": "array", "maxItems": 1000, "items": _SAMPLE}, {"type": "null"}]
        },
    )
    file_id: Text | None = Field(default=None, description="The id of a file of samples.")


class DistillationIn(SamplesIn):
    """Samples to be distilled into the bank, and how."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "samples": [
                        {"question": "Which queue takes a jammed printer?", "answer": "FX-31"},
                        {"question": "7 * 6?", "answer": "42", "grader": "numeric"},
                    ],
                    "profile": "compact",
                    "budget": {"calls": 100},
                }
            ]
        }
    )
    student: Text | None = Field(
        default=None, description="The configured student's name, if any; no other is taken."
    )
    teacher: Text | None = Field(
        default=None, description="The configured teacher's name, if any; no other is taken."
    )
    profile: ProfileName = Field(
        default="full", description="`full`, as in the paper, or `compact`, for small teachers."
    )
    trajectories: int | None = Field(
        default=None, ge=1, le=64, description="Attempts of the student at a sample; null: the profile's."
    )
    epochs: int = Field(default=1, ge=1, le=100)
    batch_size: int = Field(default=8, ge=1, le=1000, description="Samples that see the same bank.")
    compress_every: int = Field(
        default=Options().compress_every,
        ge=0,
        le=10_000,
        description="Batches between compressions; 0: none.",
    )
    budget: BudgetIn = BudgetIn()
    dry_run: bool = Field(
        default=False, description="Estimate calls, tokens and cost; ask and write nothing."
    )

    @property
    def options(self) -> Options:
        return Options(
            profile=self.profile,
            trajectories=self.trajectories,
            epochs=self.epochs,
            batch_size=self.batch_size,
            compress_every=self.compress_every,
        )


class CompressionIn(Body):
    """How the bank is to be compressed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dry_run": True}, {"budget": {"calls": 50}}]})
    teacher: Text | None = Field(
        default=None, description="The configured teacher's name, if any; no other is taken."
    )
    profile: ProfileName = Field(default="full", description="How much the teacher may write.")
    near: float = Field(
        default=CompressionSettings().near,
        gt=0,
        le=1,
        description="Cosine from which two experiences are near-duplicates.",
    )
    cluster_size: int = Field(
        default=CompressionSettings().cluster_size,
        ge=2,
        le=6,
        description="Experiences that the teacher is shown at once, at most.",
    )
    budget: BudgetIn = BudgetIn()
    dry_run: bool = Field(default=False, description="Show the plan; ask and change nothing.")

    @property
    def settings(self) -> CompressionSettings:
        return CompressionSettings(self.near, self.cluster_size)


class EvaluationIn(SamplesIn):
    """Samples to be answered under several arms, and compared."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "samples": [{"question": "Which queue takes a jammed printer?", "answer": "FX-31"}],
                    "arms": ["none", "retrieve"],
                }
            ]
        }
    )
    arms: list[Arm] = Field(
        default=["none", "retrieve"],
        min_length=1,
        max_length=3,
        description="`none`: the student alone; `retrieve`: with the bank; `teacher`: the teacher alone.",
    )
    student: Text | None = Field(
        default=None, description="The configured student's name, if any; no other is taken."
    )
    teacher: Text | None = Field(
        default=None, description="The configured teacher's name, if any; no other is taken."
    )
    profile: ProfileName = Field(default="full", description="How the models are asked.")
    budget: BudgetIn = BudgetIn()
    dry_run: bool = Field(
        default=False, description="Estimate calls, tokens and cost; ask and write nothing."
    )


class PlanOut(Shown):
    """What a compression would do at this revision; nothing was changed and no model asked."""

    object: Literal["compression.plan"] = "compression.plan"
    bank: str
    revision: int
    experiences: int
    plan: dict[str, Any] = Field(description="`remove`, `unite`, `merge`, `rewrite`, `over_bound`.")
    skipped: list[dict[str, Any]]
    problems: list[str] = Field(description="What keeps the bank beyond its bound.")

    @staticmethod
    def of(bank_id: str, result: CompressionResult) -> PlanOut:
        return PlanOut(
            bank=bank_id,
            revision=result.revision,
            experiences=result.experiences,
            plan=dict(result.plan),
            skipped=[asdict(s) for s in result.skipped],
            problems=list(result.problems),
        )


class AmountOut(Shown):
    """`cost_usd` is null where the price of any of it is not known."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None

    @staticmethod
    def of(amount: Amount) -> AmountOut:
        return AmountOut(**asdict(amount))


class RoleEstimateOut(Shown):
    """What is asked of a model in one role."""

    role: str = Field(examples=["student", "solve", "critique", "mend", "merge"])
    model: str
    expected: AmountOut
    upper: AmountOut


class EstimateOut(Shown):
    """What a distillation or evaluation would ask and cost: `upper` is a bound, `expected` rests on what is `assumed`.

    `fits_budget`: whether the expected is within the budget that was sent; null where a price is not known.
    """

    object: Literal["distillation.estimate", "evaluation.estimate"]
    bank: str
    items: int = Field(description="Samples times epochs, or arms.")
    expected: AmountOut
    upper: AmountOut
    roles: list[RoleEstimateOut]
    assumed: str
    fits_budget: bool | None

    @staticmethod
    def of(
        kind: Literal["distillation", "evaluation"], bank_id: str, estimate: Estimate, budget: Budget
    ) -> EstimateOut:
        return EstimateOut(
            object="distillation.estimate" if kind == "distillation" else "evaluation.estimate",
            bank=bank_id,
            items=estimate.items,
            expected=AmountOut.of(estimate.expected),
            upper=AmountOut.of(estimate.upper),
            roles=[
                RoleEstimateOut(
                    role=r.role,
                    model=r.model,
                    expected=AmountOut.of(r.expected),
                    upper=AmountOut.of(r.upper),
                )
                for r in estimate.roles
            ],
            assumed=estimate.assumed,
            fits_budget=estimate.expected.fits(budget),
        )


class RequestCounts(Shown):
    """Samples times epochs, or arms. `skipped` are those of the completed in which every attempt was right."""

    total: int
    completed: int
    failed: int
    skipped: int


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

    Of an evaluation an item is a question under an arm; the arms are numbered as epochs.
    """

    object: Literal["job.item"] = "job.item"
    id: str = Field(examples=["0:s-0123456789ab"])
    epoch: int
    sample_id: str
    status: str = Field(examples=["running", "done", "all_correct", "failed"])
    question: str
    correct: float | None
    changes: int = Field(description="Changes of the bank that came of it.")
    skipped: int = Field(description="What models wrote and was not used.")
    result: dict[str, Any] | None = Field(
        description="Of an evaluation: arm, reference, final_answer, experiences, abstained, tokens, cost, seconds."
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
            result=item.row,
            error=item.error,
            finished_at=item.finished_at,
        )


class EventOut(Shown):
    """A change of a job (`job.running`) or of an item of it (`item.done`). Ids count from 1 within the job."""

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
