"""Experiences as they are added, edited and shown, and their histories."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, model_validator
from pydantic import Tag as Member

from api.schemas.answers import KeyOut
from api.schemas.common import Body, ImageUrls, Shown, Tag, Text, Time, any_of
from api.schemas.problem import FieldProblem
from ted.bank.listings import ExperienceDetails, HistoryEntry
from ted.bank.rows import MOST_KEYS
from ted.bank.usage import COUNTERS, UsageStats
from ted.bank.utility import Utility
from ted.experience import Status

Tags = Annotated[list[Tag], Field(max_length=20)]
Wording = Annotated[Text, Field(max_length=4_000)]
StatusName = Literal["active", "candidate", "quarantined", "rejected", "retired"]


class ExperienceIn(Body):
    """A new experience, active at once unless it gives the model orders.

    It is found by `when_to_use`, by each of `questions` and of `images`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "when_to_use": "A printer does not print.",
                    "content": "Jammed or offline, printers go to queue FX-31.",
                    "questions": ["Which queue takes a jammed printer?"],
                    "tags": ["hardware"],
                }
            ]
        }
    )
    when_to_use: Wording
    content: Wording
    questions: list[Text] = Field(
        default=[], max_length=MOST_KEYS - 1, description="Questions that it answers."
    )
    images: ImageUrls = Field(default=[])
    tags: Tags = Field(default=[])

    @model_validator(mode="after")
    def _few_keys(self) -> ExperienceIn:
        if (keys := len(self.questions) + len(self.images)) >= MOST_KEYS:
            raise ValueError(f"has {keys} questions and images: at most {MOST_KEYS - 1} are kept")
        return self


class ExperiencesIn(Body):
    """Up to 1,000 experiences; each is added or refused by itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"experiences": [{"when_to_use": "A badge is lost.", "content": "..."}]}]
        }
    )
    experiences: list[Any] = Field(
        min_length=1,
        max_length=1000,
        json_schema_extra={"items": {"$ref": "#/components/schemas/ExperienceIn"}},
    )


def _member(value: Any) -> str:
    many = "experiences" in value if isinstance(value, dict) else isinstance(value, ExperiencesIn)
    return "<many>" if many else "<one>"


OneOrMany = Annotated[
    Annotated[ExperienceIn, Member("<one>")] | Annotated[ExperiencesIn, Member("<many>")],
    Discriminator(_member),
]


class ExperiencePatch(Body):
    """An edit; what is left out stays as it is. Another text is another version, whose usage begins at zero."""

    model_config = ConfigDict(
        json_schema_extra=any_of("when_to_use", "content", "status", "pinned", "tags")
        | {"examples": [{"status": "retired"}, {"pinned": True}]}
    )
    when_to_use: Wording | None = None
    content: Wording | None = None
    status: StatusName | None = Field(
        default=None, description="Approve (`active`), reject, retire, restore (`active`), quarantine."
    )
    pinned: bool | None = Field(default=None, description="Compression never touches what is pinned.")
    tags: Tags | None = None

    @model_validator(mode="after")
    def _something(self) -> ExperiencePatch:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError("changes nothing: send a field with a value")
        return self


class UtilityOfOne(Shown):
    """P(right | shown) - P(right | withheld), from questions for which chance decided about that.

    `mean` is null while either side has none; `low` to `high` holds it with 90 % confidence. `shown` and `withheld` are
    the questions that the evidence of each side is worth.
    """

    mean: float | None
    low: float
    high: float
    shown: float
    withheld: float

    @staticmethod
    def of(utility: Utility) -> UtilityOfOne:
        return UtilityOfOne(**asdict(utility))


class UsageStatsOut(Shown):
    """Of the present version. Right and wrong are sums of shares, one share a question."""

    retrieved: int
    shown: int
    withheld: int
    cited: int
    shown_correct: float
    shown_wrong: float
    withheld_correct: float
    withheld_wrong: float
    helpful: int
    harmful: int
    inherited: float = Field(
        description="Questions within `utility` that are those of the parents of a merge, 10 at most."
    )
    utility: UtilityOfOne
    last_used_at: Time | None

    @staticmethod
    def of(usage: UsageStats, last_used_at: Time | None) -> UsageStatsOut:
        counters = {name: getattr(usage, name) for name in COUNTERS}
        return UsageStatsOut(
            **counters,
            inherited=usage.inherited.questions,
            utility=UtilityOfOne.of(usage.utility),
            last_used_at=last_used_at,
        )


class ExperienceOut(Shown):
    """An experience as it stands."""

    object: Literal["experience"] = "experience"
    id: str = Field(examples=["exp_06b3x0c5r4t1m2n8"])
    version: int
    when_to_use: str
    content: str
    status: Status
    pinned: bool
    tags: list[str]
    keys: list[KeyOut]
    usage: UsageStatsOut
    student: str | None
    teacher: str | None
    gate: dict[str, Any] | None = Field(
        description="What the gate found when it was admitted, kept waiting or rejected; null: it was not tried."
    )
    unlabelled: bool = Field(
        description="Its text comes from samples without a reference alone, where the teacher's majority stood in."
    )
    quarantine: dict[str, Any] | None = Field(
        description="What was found in its text when it was held back, and what a reviewer said; null: nothing was."
    )
    created_revision: int
    updated_revision: int
    created_at: Time
    updated_at: Time

    @staticmethod
    def of(details: ExperienceDetails) -> ExperienceOut:
        e = details.experience
        return ExperienceOut(
            id=e.id,
            version=e.version,
            when_to_use=e.when_to_use,
            content=e.content,
            status=e.status,
            pinned=e.pinned,
            tags=list(e.tags),
            keys=KeyOut.of(e),
            usage=UsageStatsOut.of(details.usage, details.last_used_at),
            student=details.student,
            teacher=details.teacher,
            gate=details.gate,
            unlabelled=details.unlabelled,
            quarantine=details.quarantine,
            created_revision=details.created_revision,
            updated_revision=details.updated_revision,
            created_at=details.created_at,
            updated_at=details.updated_at,
        )


class ItemResult(Shown):
    """What became of one of many: `status` 201 with the experience, or 422 with what is wrong."""

    index: int
    status: Literal[201, 422]
    experience: ExperienceOut | None = None
    errors: list[FieldProblem] = Field(default=[])


class ItemResults(Shown):
    """What became of each, in the order they were sent."""

    object: Literal["list"] = "list"
    created: int
    refused: int
    data: list[ItemResult]


class HistoryOut(Shown):
    """One change of an experience: the text and status after it, and where it came from."""

    id: str
    revision: int
    operation: str = Field(examples=["add", "rewrite", "merge", "merged", "remove", "edit"])
    version: int
    when_to_use: str
    content: str
    status: Status
    provenance: dict[str, Any]
    created_at: Time

    @staticmethod
    def of(entry: HistoryEntry) -> HistoryOut:
        return HistoryOut(
            id=entry.id,
            revision=entry.revision,
            operation=entry.operation,
            version=entry.version,
            when_to_use=entry.when_to_use,
            content=entry.content,
            status=entry.status,
            provenance=entry.provenance,
            created_at=entry.created_at,
        )
