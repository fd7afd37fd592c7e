"""Answers as they are asked for and shown, and the retrieval beneath them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Literal

from pydantic import ConfigDict, Field

from api.schemas.cascades import CascadedShown
from api.schemas.common import Body, ImageUrls, K, MinSimilarity, Shown, Tag, Text, Time
from api.schemas.feedback import FeedbackOut
from ted.answer import Mode, Trial
from ted.bank.answers import Exposure, KeptAnswer
from ted.bank.portability import notice
from ted.bank.spending import Spending
from ted.chat import Usage
from ted.experience import Demonstration, Experience, Retrieval, Similarity
from ted.settings import CascadeSettings, Escalate, RetrievalSettings


class AnswerIn(Body):
    """A question to the student, with what the bank has for it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"bank": "tickets", "question": "Which queue takes a jammed printer?", "k": 2}]
        }
    )
    bank: Text = Field(description="A bank's id or name.")
    question: Text
    images: ImageUrls = Field(default=[])
    mode: Mode = Field(
        default="retrieve",
        description="`retrieve`: with the experiences nearest to the question; `all`: with the whole bank; `demos`: "
        "with the nearest solved training samples as turns before it; `none`: the student alone.",
    )
    k: K | None = None
    min_similarity: MinSimilarity | None = None
    student: Text | None = Field(
        default=None, description="The configured student's name, if any; no other is taken."
    )
    escalate: Escalate | None = Field(
        default=None,
        description="`never`; `on_disagreement`: the student answers several times, and the teacher where too few of "
        "these are one answer. Null, as each of the next two: the bank's.",
    )
    samples: int | None = Field(default=None, ge=2, le=16, description="How often the student answers then.")
    threshold: float | None = Field(
        default=None, ge=0, le=1, description="The share that must be one answer; 0.67: two of three."
    )

    def cascade_over(self, settings: CascadeSettings) -> CascadeSettings:
        """The bank's, with what was sent in place."""
        wanted = {name: getattr(self, name) for name in ("escalate", "samples", "threshold")}
        return replace(settings, **{name: value for name, value in wanted.items() if value is not None})


class SimilarityShown(Shown):
    """Calibrated similarity by channel (null where a side has none) and fused over the channels there are."""

    text: float | None
    image: float | None
    image_text: float | None
    fused: float

    @staticmethod
    def of(similarity: Similarity) -> SimilarityShown:
        return SimilarityShown(
            text=similarity.text,
            image=similarity.image,
            image_text=similarity.image_text,
            fused=similarity.fused,
        )


class ExperienceUsed(Shown):
    """An experience as it was when it was found. `cited`: whether the student says it used it; null: it was not asked."""

    id: str
    version: int
    when_to_use: str
    content: str
    similarity: SimilarityShown
    shown: bool
    cited: bool | None


class DemonstrationShown(Shown):
    """A training sample with its reference answer, and the cosine of its question to the one asked."""

    sample_id: str
    question: str
    images: list[str] = Field(description="The sha256 of each image.")
    answer: str
    similarity: float

    @staticmethod
    def of(shown: Demonstration) -> DemonstrationShown:
        return DemonstrationShown(**asdict(shown) | {"images": list(shown.images)})


def withheld(retrieval: Retrieval, trial: Trial) -> list[str]:
    """The ids of what chance left out by itself; where the whole bank was left out, none."""
    if trial.without_bank:
        return []
    return [r.experience.id for r in retrieval.retrieved if not r.shown]


class UsageShown(Shown):
    """Tokens as the provider counted them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @staticmethod
    def of(usage: Usage | Spending) -> UsageShown:
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        return UsageShown(
            prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion
        )


class LatencyShown(Shown):
    """Milliseconds by stage."""

    embed: float
    retrieve: float
    model: float
    total: float


class AnswerOut(Shown):
    """An answer and everything that explains it. `cost_usd` is null where the price is not known."""

    object: Literal["answer"] = "answer"
    id: str = Field(examples=["ans_06b3x0c5r4t1m2n8"])
    bank: str
    revision: int = Field(description="The bank's revision that was asked.")
    question: str
    images: list[str] = Field(description="The sha256 of each image.")
    mode: Mode
    text: str
    final_answer: str
    experiences: list[ExperienceUsed] = Field(description="Those found for the question, best first.")
    demonstrations: list[DemonstrationShown] = Field(
        description="Training samples that stood before the question, in mode `demos`."
    )
    abstained: bool = Field(description="Nothing in the bank was near enough.")
    withheld: list[str] = Field(
        description="Experiences found, but left out by chance, to learn what they are worth."
    )
    control: bool = Field(
        description="By chance, all that was found was left out, to learn what the bank is worth."
    )
    bypassed: bool = Field(
        description="The bank's answers were seen to be worse than those without it, so it is not used."
    )
    images_not_searched: int = Field(
        description="Images that played no part: no image embedder is configured."
    )
    notice: str | None = Field(
        description="Where the experiences were made with other students: what to measure. Else null."
    )
    escalated: bool = Field(description="The teacher answered, and nothing of the bank was shown to it.")
    cascade: CascadedShown | None = Field(description="Of a cascade: how it came to the answer. Else null.")
    harvested: bool = Field(description="It may become an unlabelled sample, as the bank's cascade has it.")
    model: str = Field(description="Who answered.")
    usage: UsageShown = Field(description="Of all calls, the teacher's too.")
    cost_usd: float | None
    latency_ms: LatencyShown
    created_at: Time
    feedback: FeedbackOut | None = Field(description="What was said of it afterwards.")

    @staticmethod
    def of(kept: KeptAnswer) -> AnswerOut:
        """From the store: what is shown is what was kept, and what was kept is what the student was sent."""
        unseen = Exposure(shown=False, cited=None)
        return AnswerOut(
            id=kept.id,
            bank=kept.bank_id,
            revision=kept.retrieval.revision,
            question=kept.question,
            images=list(kept.image_hashes),
            mode=kept.mode,
            text=kept.text,
            final_answer=kept.final_answer,
            experiences=[
                ExperienceUsed(
                    id=r.experience.id,
                    version=r.experience.version,
                    when_to_use=r.experience.when_to_use,
                    content=r.experience.content,
                    similarity=SimilarityShown.of(r.similarity),
                    shown=kept.exposures.get(r.experience.id, unseen).shown,
                    cited=kept.exposures.get(r.experience.id, unseen).cited,
                )
                for r in kept.retrieval.retrieved
            ],
            demonstrations=[DemonstrationShown.of(d) for d in kept.retrieval.demonstrations],
            abstained=kept.retrieval.abstained,
            withheld=withheld(kept.retrieval, kept.trial),
            control=kept.trial.arm == "control",
            bypassed=kept.trial.bypassed,
            images_not_searched=kept.retrieval.images_not_searched,
            notice=notice(
                (r.experience.student for r in kept.retrieval.retrieved), asked=kept.model, bank=kept.bank_id
            ),
            escalated=kept.escalated,
            cascade=CascadedShown.of(kept.cascaded) if kept.cascaded else None,
            harvested=kept.harvested,
            model=kept.answered_by,
            usage=UsageShown.of(kept.usage),
            cost_usd=kept.usage.cost_usd,
            latency_ms=LatencyShown(
                embed=kept.latency.embed,
                retrieve=kept.latency.retrieve,
                model=kept.latency.model,
                total=kept.latency.total,
            ),
            created_at=kept.created_at,
            feedback=FeedbackOut.of(kept.feedback) if kept.feedback else None,
        )


class Filters(Body):
    """Which experiences may be found. A filter never hides what matches."""

    tags: list[Tag] = Field(default=[], max_length=20, description="Only those that have all of these.")
    status: list[Literal["active", "candidate"]] = Field(default=["active"], min_length=1, max_length=2)


class RetrieveIn(Body):
    """A question for which to find experiences."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "Where does a jammed printer go?", "explain": True}]}
    )
    question: Text
    images: ImageUrls = Field(default=[])
    k: K | None = None
    min_similarity: MinSimilarity | None = None
    filters: Filters = Filters(tags=[], status=["active"])
    explain: bool = Field(
        default=False, description="Tell, too, what decided which experiences are among the hits."
    )


class HitOut(Shown):
    """An experience found, with the label it would have in the student's prompt."""

    id: str
    version: int
    label: str
    when_to_use: str
    content: str
    status: str
    tags: list[str]
    similarity: SimilarityShown


class KeyOut(Shown):
    """What an experience is found by."""

    kind: Literal["when_to_use", "question", "image"]
    text: str
    image_sha256: str

    @staticmethod
    def of(experience: Experience) -> list[KeyOut]:
        return [KeyOut(kind=k.kind, text=k.text, image_sha256=k.image_sha256) for k in experience.keys]


class Explanation(Shown):
    """Why these hits: the best similarity there was, the least that was asked for, and how far behind the best
    (`gap`), how many (`k`) and how long (`token_budget`) hits may be; `keys` of each hit by its id."""

    best_similarity: float | None
    min_similarity: float
    gap: float
    k: int
    token_budget: int
    keys: dict[str, list[KeyOut]]


class RetrieveOut(Shown):
    """Hits, best first."""

    object: Literal["retrieval"] = "retrieval"
    bank: str
    revision: int
    abstained: bool
    images_not_searched: int
    hits: list[HitOut]
    explanation: Explanation | None

    @staticmethod
    def of(bank: str, found: Retrieval, settings: RetrievalSettings, *, explain: bool) -> RetrieveOut:
        explanation = Explanation(
            best_similarity=found.best_similarity,
            min_similarity=found.min_similarity,
            gap=settings.gap,
            k=settings.k,
            token_budget=settings.token_budget,
            keys={r.experience.id: KeyOut.of(r.experience) for r in found.retrieved},
        )
        return RetrieveOut(
            bank=bank,
            revision=found.revision,
            abstained=found.abstained,
            images_not_searched=found.images_not_searched,
            hits=[
                HitOut(
                    id=r.experience.id,
                    version=r.experience.version,
                    label=r.label,
                    when_to_use=r.experience.when_to_use,
                    content=r.experience.content,
                    status=r.experience.status,
                    tags=list(r.experience.tags),
                    similarity=SimilarityShown.of(r.similarity),
                )
                for r in found.retrieved
            ],
            explanation=explanation if explain else None,
        )
