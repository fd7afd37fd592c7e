"""What a dry run shows: the plan of a compression or re-embedding, the estimate of a distillation or evaluation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field

from api.schemas.common import Shown
from ted.bank.reembedding import ReembeddingPlan, Target
from ted.compression.banks import MergePreview
from ted.compression.result import CompressionResult
from ted.jobs.estimate import Amount, Estimate
from ted.settings import Budget


class BankMergePlanOut(Shown):
    """What a merge of banks would do, by ids of either bank. `over_bound`: how many would go for the bound's sake."""

    object: Literal["bank_merge.plan"] = "bank_merge.plan"
    bank: str
    source: str = Field(serialization_alias="from")
    revision: int
    copied: list[str]
    unite: list[list[str]]
    merge: list[list[str]]
    conflicts: list[list[str]] = Field(description="Nearly alike in words, but contradicting: both are kept.")
    over_bound: int
    problems: list[str]

    @staticmethod
    def of(bank: str, plan: MergePreview) -> BankMergePlanOut:
        return BankMergePlanOut(
            bank=bank,
            source=plan.source,
            revision=plan.revision,
            copied=list(plan.copied),
            unite=[list(ids) for ids in plan.unite],
            merge=[list(ids) for ids in plan.merge],
            conflicts=[list(pair) for pair in plan.conflicts],
            over_bound=plan.over_bound,
            problems=list(plan.problems),
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


class EmbeddersOut(Shown):
    """The fingerprints of a bank's embedders; `image` is null for a bank of texts."""

    text: str
    image: str | None

    @staticmethod
    def of(target: Target) -> EmbeddersOut:
        return EmbeddersOut(text=target.text, image=target.image)


class ReembeddingPlanOut(Shown):
    """What a re-embedding would embed; nothing was. What an unfinished one has embedded already does not count."""

    object: Literal["reembedding.plan"] = "reembedding.plan"
    bank: str
    made_with: EmbeddersOut
    target: EmbeddersOut
    keys: int = Field(description="Keys that lack a vector by any of the embedders.")
    texts: int = Field(description="Vectors of texts.")
    captions: int = Field(description="Vectors of `when_to_use` by the image embedder.")
    images: int = Field(description="Vectors of images.")

    @staticmethod
    def of(bank_id: str, plan: ReembeddingPlan) -> ReembeddingPlanOut:
        return ReembeddingPlanOut(
            bank=bank_id,
            made_with=EmbeddersOut.of(plan.made_with),
            target=EmbeddersOut.of(plan.target),
            keys=plan.keys,
            texts=plan.texts,
            captions=plan.captions,
            images=plan.images,
        )
