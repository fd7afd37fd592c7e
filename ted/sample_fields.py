"""The fields of one sample as strangers write them: types only; sense is ted/sample_files' affair."""

from __future__ import annotations

import json
from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ted.errors import BadSampleLine, BadSamples
from ted.sample import Choice, Exact, Grader, Json, Judge, Math, Numeric, Regex
from ted.texts import shortened

GRADER_NAMES = ("exact", "numeric", "choice", "regex", "json", "math", "judge", "auto")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Plain(_Strict):
    kind: Literal["exact", "choice", "regex", "json", "math", "judge"]

    @property
    def value(self) -> Grader:
        match self.kind:
            case "exact":
                return Exact()
            case "choice":
                return Choice()
            case "regex":
                return Regex()
            case "json":
                return Json()
            case "math":
                return Math()
            case "judge":
                return Judge()
            case _:
                assert_never(self.kind)


class _Numeric(_Strict):
    kind: Literal["numeric"]
    tolerance: float = Field(default=Numeric().tolerance, ge=0, allow_inf_nan=False)

    @property
    def value(self) -> Grader:
        return Numeric(tolerance=self.tolerance)


class Auto(_Strict):
    """Which grader it is depends on the look of the reference answer."""

    kind: Literal["auto"]


def _spelled_out(grader: object) -> object:
    return {"kind": grader} if isinstance(grader, str) else grader


_Grader = Annotated[_Plain | _Numeric | Auto, Field(discriminator="kind")]


class SampleFields(_Strict):
    """One line's fields, of the right types. `grader.value` is the grader in ted's own terms, but of `Auto`.

    Without `answer` the sample is unlabelled.
    """

    question: str
    answer: str | None = None
    images: list[str] = []
    grader: Annotated[_Grader, BeforeValidator(_spelled_out)] = _Plain(kind="exact")
    id: str | None = None
    tags: list[str] = []


def validated(obj: dict[str, object], *, line: int) -> SampleFields:
    """The fields of a decoded JSON object. Raises BadSamples with every field that is wrong."""
    try:
        return SampleFields.model_validate(obj)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise BadSamples(tuple(_told(detail, line=line) for detail in details)) from error


def kind_of(value: object) -> str:
    """A JSON value as a message names it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {json.dumps(value)}" if abs(value) < 1e300 else "a number out of range"
        case str():
            return f"the string '{shortened(value)}'"
        case list():
            return "a list"
        case _:
            return "an object"


def _told(detail: ErrorDetails, *, line: int) -> BadSampleLine:
    """A validation error of pydantic as one of ours."""
    location = detail["loc"]
    if location[0] == "grader" and len(location) > 1 and location[1] in GRADER_NAMES:
        location = (location[0], *location[2:])  # pydantic names the member of the union, too
    field = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location).removeprefix(".")
    return BadSampleLine(line, shortened(field), _problem(detail, field=field, depth=len(location)))


def _problem(detail: ErrorDetails, *, field: str, depth: int) -> str:
    graders, given = ", ".join(GRADER_NAMES), kind_of(detail["input"])
    match detail["type"]:
        case "missing":
            return "is missing: write it"
        case "extra_forbidden" if depth == 1:
            return f"is not known: allowed are {', '.join(SampleFields.model_fields)}"
        case "extra_forbidden":
            return "is no option of this grader: only 'numeric' has one, 'tolerance'"
        case "union_tag_invalid":
            tag = shortened(str(detail.get("ctx", {}).get("tag")))
            return f"no grader is called '{tag}': known are {graders}"
        case "union_tag_not_found" | "model_attributes_type" | "model_type":
            return f"write a name ({graders}) or an object with 'kind', not {given}"
        case "string_type":
            return f"must be a string, not {given}"
        case "list_type":
            return f"must be a list of strings, not {given}"
        case "finite_number" | "greater_than_equal":
            return f"must be a number of 0 or more, not {given}"
        case _:
            return f"{detail['msg']}, not {given}"
