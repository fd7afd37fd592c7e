"""Banks as they are made, changed and shown."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from api.schemas.cascades import CascadeIn, CascadeOut
from api.schemas.common import Anything, Body, Metadata, MinSimilarity, Shown, Text, Time
from ted.bank.banks import BankSettings
from ted.bank.listings import BankDetails
from ted.settings import Bypass, RetrievalSettings, TrialSettings, TrialTime


def _no_at(name: str) -> str:
    if "@" in name:
        raise ValueError("has an '@': a bank's name may hold anything else")
    return name


Name = Annotated[Text, Field(max_length=100), AfterValidator(_no_at)]


_RETRIEVAL, _BANK, _TRIALS = RetrievalSettings(), BankSettings(""), TrialSettings()


class RetrievalIn(Body):
    """How experiences are chosen for a question; what is left out stays as it is (at first: the default)."""

    k: int = Field(default=_RETRIEVAL.k, ge=1, le=50, description="At most so many experiences.")
    gap: float = Field(
        default=_RETRIEVAL.gap,
        ge=0,
        le=2,
        description="An experience follows the best one only while its similarity is within this of it.",
    )
    min_similarity: MinSimilarity | None = None
    token_budget: int = Field(
        default=_RETRIEVAL.token_budget,
        ge=1,
        le=1_000_000,
        description="Estimated tokens of all that is shown.",
    )
    mmr_lambda: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Weight of similarity against diversity (maximal marginal relevance); null: off.",
    )


class CapacityIn(Body):
    """How much a bank may hold after compression; what is left out stays as it is (at first: the default)."""

    max_experiences: int = Field(default=_BANK.max_experiences, ge=1, le=1_000_000)
    max_tokens: int = Field(default=_BANK.max_tokens, ge=1, le=1_000_000_000)


class TrialsIn(Body):
    """What chance may decide about answers, to learn what the bank is worth; left out, it stays as it is."""

    when: TrialTime = Field(
        default=_TRIALS.when,
        description="Leave out experiences, or the whole bank: never, while answers get graded, or always.",
    )
    control_rate: float = Field(
        default=_TRIALS.control_rate, ge=0, le=0.5, description="The share of answers without the bank."
    )
    bypass: Bypass = Field(
        default=_TRIALS.bypass,
        description="Where answers without the bank are better: nothing, an alarm, or answers without it.",
    )


class _Changeable(Body):
    description: Anything = ""
    trials: TrialsIn = TrialsIn()
    cascade: CascadeIn = CascadeIn()
    retrieval: RetrievalIn = RetrievalIn()
    capacity: CapacityIn = CapacityIn()
    metadata: Metadata = Field(default={}, description="Yours: TED keeps it and does not look at it.")

    def _over(self, settings: BankSettings) -> BankSettings:
        """Those settings with the fields that were sent in place."""
        changed: dict[str, Any] = self.model_dump(
            include=self.model_fields_set & {"name", "description", "metadata"}
        )
        changed |= self.capacity.model_dump(exclude_unset=True)
        retrieval = replace(settings.retrieval, **self.retrieval.model_dump(exclude_unset=True))
        trials = replace(settings.trials, **self.trials.model_dump(exclude_unset=True))
        cascade = self.cascade.over(settings.cascade)
        return replace(settings, **changed, retrieval=retrieval, trials=trials, cascade=cascade)


class BankIn(_Changeable):
    """A new bank, for the embedders this server has."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "tickets", "description": "Which queue takes what."}]}
    )
    name: Name

    @property
    def settings(self) -> BankSettings:
        return self._over(BankSettings(self.name))


class BankPatch(_Changeable):
    """Other settings for a bank; what is left out stays as it is. Its embedders change by a re-embedding."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"retrieval": {"k": 2}}]})
    name: Name = ""

    def changed(self, settings: BankSettings) -> BankSettings:
        return self._over(settings)


class RetrievalOut(Shown):
    """How experiences are chosen; `min_similarity` null: measured on foreign questions."""

    k: int
    gap: float
    min_similarity: float | None
    token_budget: int


class CapacityOut(Shown):
    max_experiences: int
    max_tokens: int


class TrialsOut(Shown):
    when: TrialTime
    control_rate: float
    bypass: Bypass


class MadeForOut(Shown):
    """How many active experiences were made with a student; null: by hand."""

    student: str | None
    experiences: int


class BankOut(Shown):
    """A bank. Embedders are named by their fingerprints; `experiences` are the active ones.

    `students`: whom these were made with. For another student their use is to be measured: an evaluation does.
    """

    object: Literal["bank"] = "bank"
    id: str = Field(examples=["bank_06b3x0c5r4t1m2n8"])
    name: str
    description: str
    text_embedder: str
    image_embedder: str | None
    retrieval: RetrievalOut
    capacity: CapacityOut
    trials: TrialsOut
    cascade: CascadeOut
    alarm: bool = Field(description="Answers without the bank were seen to be better than those with it.")
    metadata: dict[str, Any]
    revision: int
    experiences: int
    students: list[MadeForOut]
    created_at: Time

    @staticmethod
    def of(bank: BankDetails) -> BankOut:
        r = bank.retrieval
        return BankOut(
            id=bank.id,
            name=bank.name,
            description=bank.description,
            text_embedder=bank.text_embedder,
            image_embedder=bank.image_embedder,
            retrieval=RetrievalOut(
                k=r.k, gap=r.gap, min_similarity=r.min_similarity, token_budget=r.token_budget
            ),
            capacity=CapacityOut(max_experiences=bank.max_experiences, max_tokens=bank.max_tokens),
            trials=TrialsOut(**asdict(bank.trials)),
            cascade=CascadeOut(**asdict(bank.cascade)),
            alarm=bank.alarm,
            metadata=bank.metadata,
            revision=bank.revision,
            experiences=bank.experiences,
            students=[MadeForOut(student=m.student, experiences=m.experiences) for m in bank.students],
            created_at=bank.created_at,
        )
