"""What is held back for a review, as it is shown."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.common import Shown, Time
from ted.bank.quarantine import Held, HeldKind


class HeldOut(Shown):
    """A sample or an experience that gives the model orders, or seems to: it is not used before somebody accepted it."""

    object: Literal["held"] = "held"
    id: str = Field(examples=["exp_06b3x0c5r4t1m2n8", "held_06b3x0c5r4t1m2n8"])
    kind: HeldKind
    reason: str = Field(
        examples=["instructions", "role_marker", "hidden_text"],
        description="Which kind was found; `by_hand` where somebody quarantined it.",
    )
    field: str = Field(description="In which text.")
    passage: str = Field(description="What tells; what is invisible is written as escapes.")
    accepted: bool | None = Field(description="Null until it is reviewed.")
    texts: dict[str, str] = Field(description="All that it says.")
    instead_of: list[str] = Field(description="Experiences whose place it takes where it is accepted.")
    job: str | None
    sample: str | None
    created_at: Time

    @staticmethod
    def of(held: Held) -> HeldOut:
        return HeldOut(
            id=held.id,
            kind=held.kind,
            reason=held.reason,
            field=held.field,
            passage=held.passage,
            accepted=held.accepted,
            texts=dict(held.texts),
            instead_of=list(held.instead_of),
            job=held.job,
            sample=held.sample,
            created_at=held.created_at,
        )
