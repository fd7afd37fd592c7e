"""What the schemas share: strict bodies, texts, times, lists."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ted.texts import holds_nul

DataT = TypeVar("DataT", bound=BaseModel)


class Body(BaseModel):
    """What a request sends: no field but these."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Shown(BaseModel):
    """What a response shows."""

    model_config = ConfigDict(extra="forbid")


def _whole(value: Any) -> Any:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair: write the whole character") from None
    if holds_nul(value):
        raise ValueError("holds the character NUL (\\u0000), which no store takes: leave it out")
    return value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Anything = Annotated[str, Field(max_length=100_000), AfterValidator(_whole)]
Text = Annotated[Anything, Field(min_length=1), AfterValidator(_not_blank)]
Tag = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_whole), AfterValidator(_not_blank)]
Metadata = Annotated[dict[str, Any], AfterValidator(_whole)]
Time = Annotated[datetime, AfterValidator(_in_utc)]

ImageUrls = Annotated[
    list[str],
    Field(
        max_length=16,
        description="Data URLs (`data:image/png;base64,...`): PNG, JPEG, WEBP or GIF. Paths and other URLs are refused.",
    ),
]
K = Annotated[int, Field(ge=1, le=50, description="At most so many experiences.")]
MinSimilarity = Annotated[
    float,
    Field(
        ge=-2,
        le=2,
        allow_inf_nan=False,
        description="Calibrated similarity below which nothing is shown. Left out: the bank's, by default measured.",
    ),
]


class ListOf(Shown, Generic[DataT]):
    """A page of a list. The next page begins `after` its `last_id`."""

    object: Literal["list"] = "list"
    data: list[DataT]
    first_id: str | None
    last_id: str | None
    has_more: bool


def listed(data: Sequence[DataT], ids: Sequence[str], *, has_more: bool) -> ListOf[DataT]:
    """A page of these, with the ids that are its cursors."""
    return ListOf(
        data=list(data),
        first_id=ids[0] if ids else None,
        last_id=ids[-1] if ids else None,
        has_more=has_more,
    )
