"""The forms of pages: their fields as texts, and as the bodies that routes take. What is done with them is the pages'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api.refusals import BadField

BodyT = TypeVar("BodyT", bound=BaseModel)

_FIELD_BYTES = 400_000
_MOST_FIELDS = 40


@dataclass(frozen=True, slots=True)
class PageForm:
    """Fields by name; `files` are those that were chosen, each with a name and something in it."""

    fields: Mapping[str, str]
    files: Mapping[str, UploadFile]

    def text(self, name: str) -> str | None:
        """What was written, None for nothing. Lines end as everywhere but in forms."""
        value = self.fields.get(name, "").replace("\r\n", "\n")
        return value if value.strip() else None

    def number(self, name: str) -> float | None:
        """A number; None for nothing. Raises BadField."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return float(value)
        except ValueError:
            raise BadField(("body", name), f"is {value[:40]!r}: write a number") from None

    def one_of(self, name: str, *known: str) -> str:
        """One of these words. Raises BadField."""
        value = self.fields.get(name) or ""
        if value not in known:
            raise BadField(("body", name), f"is {value[:40]!r}: it must be one of {', '.join(known)}")
        return value


async def page_form(request: Request, *, files: int = 0) -> PageForm:
    """The form of a request. Raises BadField where it cannot be read, or a field stands twice."""
    try:
        form = await request.form(max_files=files, max_fields=_MOST_FIELDS, max_part_size=_FIELD_BYTES)
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise BadField(("body", "form"), f"cannot be read: {error.detail}") from error
    except UnicodeError as error:
        raise BadField(("body", "form"), f"cannot be read: {error}") from error
    fields: dict[str, str] = {}
    chosen: dict[str, UploadFile] = {}
    for name, value in form.multi_items():
        if name in fields or name in chosen:
            raise BadField(("body", name), "stands twice: send it once")
        if isinstance(value, str):
            fields[name] = value
        elif value.filename and value.size:
            chosen[name] = value
    return PageForm(fields, chosen)


def body_of(model: type[BodyT], given: Mapping[str, Any]) -> BodyT:
    """The body that a route would take, of what is not None. Raises BadField for the first field that it would not."""
    try:
        return model.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadField(("body", *first["loc"]), first["msg"].removeprefix("Value error, ")) from error
