"""Jobs as they are asked for: distillations, compressions, evaluations, re-embeddings, and going on with one that rests."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.schemas.common import Body, Text, one_of
from ted.compression.settings import CompressionSettings
from ted.evaluation.rows import ARMS, Arm
from ted.gate.verdict import GatePolicy
from ted.jobs.compression import TOLERANCE
from ted.jobs.distillation import Options
from ted.profile import ProfileName
from ted.sample_fields import GRADER_NAMES
from ted.settings import Budget

_SAMPLE: dict[str, Any] = {
    "type": "object",
    "required": ["question"],
    "additionalProperties": False,
    "properties": {
        "question": {"type": "string"},
        "answer": {
            "type": ["string", "null"],
            "description": "The reference answer. Left out, the sample is unlabelled: in a distillation the answer "
            "that most of the teacher's solutions agree on stands in; no evaluation takes it.",
        },
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


class ValidationIn(Body):
    """Samples to validate with, as part of a request or of a file that was uploaded before: one of the two, or neither."""

    validation: list[Any] | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Samples to validate with, none of which is trained on.",
        json_schema_extra={
            "anyOf": [{"type": "array", "maxItems": 1000, "items": _SAMPLE}, {"type": "null"}]
        },
    )
    validation_file_id: Text | None = Field(
        default=None, description="The id of a file of samples to validate with."
    )


class DistillationIn(SamplesIn, ValidationIn):
    """Samples to be distilled into the bank, or answers that became samples, and how. The gate `neighbours` tries on

    `validation`, where that is given.
    """

    model_config = ConfigDict(
        json_schema_extra=one_of("samples", "file_id", "from_feedback")
        | {
            "examples": [
                {
                    "samples": [
                        {"question": "Which queue takes a jammed printer?", "answer": "FX-31"},
                        {"question": "7 * 6?", "answer": "42", "grader": "numeric"},
                    ],
                    "profile": "compact",
                    "budget": {"calls": 100},
                },
                {"from_feedback": True},
            ]
        }
    )
    from_feedback: Literal[True] | None = Field(
        default=None,
        description="Instead of samples: questions that were answered wrong and have an accepted reference, and those "
        "that the bank's cascade harvested; each is taken once. 409 `nothing_to_distil` where there is none.",
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
    gate: GatePolicy = Field(
        default="none",
        description="What a new experience must pass: nothing, its own sample, or samples like it.",
    )
    solves: int | None = Field(
        default=None,
        ge=0,
        le=8,
        description="Tries of the teacher at a sample; null: the profile's; 0: it is shown the reference alone.",
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
            gate=self.gate,
            solves=self.solves,
        )


class CompressionIn(ValidationIn):
    """How the bank is to be compressed; where answers to `validation` get worse, all but the bound is undone."""

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
    student: Text | None = Field(
        default=None, description="The configured student's name, if any; no other is taken."
    )
    tolerance: float = Field(
        default=TOLERANCE,
        ge=0,
        le=1,
        description="By how much the share of right answers to `validation` may fall.",
    )
    budget: BudgetIn = BudgetIn()
    dry_run: bool = Field(default=False, description="Show the plan; ask and change nothing.")

    @property
    def settings(self) -> CompressionSettings:
        return CompressionSettings(self.near, self.cluster_size)


class ReembeddingIn(Body):
    """The bank's keys embedded anew by the embedders of this server, which the bank has from then on."""

    dry_run: bool = Field(
        default=False, description="Count what would be embedded; embed and change nothing."
    )


class BankMergeIn(Body):
    """Another bank, whose active experiences are copied into this one; it stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from": "tickets-berlin", "dry_run": True}]}, populate_by_name=False
    )
    source: Text = Field(alias="from", description="A bank's id or name.")
    teacher: Text | None = Field(
        default=None, description="The configured teacher's name, if any; no other is taken."
    )
    profile: ProfileName = Field(default="full", description="How much the teacher may write.")
    budget: BudgetIn = BudgetIn()
    dry_run: bool = Field(default=False, description="Show what would be done; ask and change nothing.")


class EvaluationIn(SamplesIn):
    """Samples to be answered under several arms, and compared."""

    model_config = ConfigDict(
        json_schema_extra=one_of("samples", "file_id")
        | {
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
        max_length=len(ARMS),
        description="`none`: the student alone; `copy`: the answer of the nearest training sample, no model; `demos`: "
        "the nearest training samples as turns; `retrieve`: with the bank; `all`: with the whole bank; `irrelevant`: "
        "with another bank; `teacher`: the teacher alone; `cascade`: the teacher where the student disagrees.",
    )
    irrelevant_bank: Text | None = Field(
        default=None, description="The bank of another domain (id or name) of the arm `irrelevant`."
    )
    demonstrations: int | None = Field(
        default=None, ge=1, le=50, description="Training samples shown in `demos`; null: the bank's `k`."
    )
    allow_overlap: bool = Field(
        default=False, description="Evaluate samples that the bank was distilled from, and mark the report."
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
