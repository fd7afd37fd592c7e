"""What the schemas share: strict bodies, texts, times, lists."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from ted.texts import holds_nul

DataT = TypeVar("DataT", bound=BaseModel)

_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def one_of(*names: str) -> dict[str, Any]:
    """Of a schema, that exactly one of these fields has a value; null is none."""
    given: dict[str, Any] = {"not": {"type": "null"}}
    return {
        "oneOf": [
            {"required": [name], "properties": {n: given if n == name else {"type": "null"} for n in names}}
            for name in names
        ]
    }


def any_of(*names: str) -> dict[str, Any]:
    """Of a schema, that at least one of these fields has a value; null is none."""
    given: dict[str, Any] = {"not": {"type": "null"}}
    return {"anyOf": [{"required": [name], "properties": {name: given}} for name in names]}


def events(description: str) -> dict[str, Any]:
    """The content of a response that is a stream of server-sent events; before OpenAPI 3.2 `schema` is that of each."""
    text = {"type": "string"}
    schema = {
        "type": "object",
        "required": ["data"],
        "properties": {"id": text, "event": text, "data": text | {"description": description}},
    }
    return {"text/event-stream": {"schema": schema}}


class Body(BaseModel):
    """What a request sends: no field but these."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _whole_number(cls, value: Any) -> Any:
        """JSON has one kind of number: 2.0 is a whole one."""
        return int(value) if isinstance(value, float) and value.is_integer() else value


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


def _a_date(value: Any) -> Any:
    if isinstance(value, str) and not _DATE.match(value):
        raise ValueError("is no time: write it as 2026-03-01T12:30:00Z")
    return value


def _known_in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no time of the years 1 to 9999 in UTC") from None


NO_NUL: dict[str, Any] = {"pattern": r"^[^\u0000]*$"}
"""Of a schema, what `_whole` asks of a text; half of a surrogate pair is not in a schema's reach."""

Anything = Annotated[str, Field(max_length=100_000, json_schema_extra=NO_NUL), AfterValidator(_whole)]
Text = Annotated[Anything, Field(min_length=1), AfterValidator(_not_blank)]
Tag = Annotated[
    str,
    Field(min_length=1, max_length=100, json_schema_extra=NO_NUL),
    AfterValidator(_whole),
    AfterValidator(_not_blank),
]
METADATA_VALUE: dict[str, Any] = {
    "description": "Any JSON; texts and names in it are without the character NUL.",
    "anyOf": [
        {"type": ["null", "boolean", "number"]},
        {"type": "string", **NO_NUL},
        {"type": "array", "items": {"$ref": "#/components/schemas/MetadataValue"}},
        {
            "type": "object",
            "propertyNames": NO_NUL,
            "additionalProperties": {"$ref": "#/components/schemas/MetadataValue"},
        },
    ],
}
"""The schema that /openapi.json has as `MetadataValue`."""

Metadata = Annotated[
    dict[str, Any],
    Field(
        json_schema_extra={
            "propertyNames": NO_NUL,
            "additionalProperties": {"$ref": "#/components/schemas/MetadataValue"},
        }
    ),
    AfterValidator(_whole),
]
Time = Annotated[datetime, AfterValidator(_in_utc)]
AskedTime = Annotated[Time, BeforeValidator(_a_date), AfterValidator(_known_in_utc)]
"""A time that a caller writes: a bare number is none, and it is one in UTC, too."""

ImageUrls = Annotated[
    list[str],
    Field(
        max_length=16,
        description="Data URLs (`data:image/png;base64,...`): PNG, JPEG, WEBP or GIF. "
        "URLs of the web only where the service fetches them (`TED_FETCH_IMAGES`). Paths are refused.",
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
