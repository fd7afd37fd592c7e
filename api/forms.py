"""A file that comes as a form (`multipart/form-data`): its one file and its fields. What is in it is the routes' affair."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request, UploadFile
from starlette.datastructures import UploadFile as Uploaded
from starlette.exceptions import HTTPException

from api.refusals import BadField

FORM = "multipart/form-data"
CHUNK = 1 << 16
_FIELD_BYTES = 10_000
_MOST_FIELDS = 20


@dataclass(frozen=True, slots=True)
class FileForm:
    """A form that was read: the file, which waits on the disk where it is large, and the other fields."""

    file: UploadFile
    fields: dict[str, str]

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes of the file, from where it stands."""
        while chunk := await self.file.read(CHUNK):
            yield chunk


def media_type_of(request: Request, otherwise: str = "") -> str:
    """The type that the body is said to be of, without its parameters."""
    return request.headers.get("Content-Type", otherwise).partition(";")[0].strip().lower()


@asynccontextmanager
async def file_form(request: Request, *, fields: Collection[str] = ()) -> AsyncIterator[FileForm]:
    """The form of a request, which has one file, `file`, and no fields but these. Raises BadField.

    Read as it comes: what is larger than a megabyte goes to the disk, and the bound on bodies holds by the byte.
    """
    try:
        form = await request.form(max_files=1, max_fields=_MOST_FIELDS, max_part_size=_FIELD_BYTES)
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise BadField(("body", "file"), f"the form cannot be read: {error.detail}") from error
    except UnicodeError as error:  # of a charset that cannot be read in
        raise BadField(("body", "file"), f"the form cannot be read: {error}") from error
    try:
        yield _checked(form.multi_items(), fields)
    finally:
        await form.close()


def form_schema(fields: dict[str, Any] | None = None) -> dict[str, Any]:
    """The form as the OpenAPI document shows it."""
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    properties = {"file": file, **(fields or {})}
    schema = {"type": "object", "required": ["file"], "properties": properties, "additionalProperties": False}
    return {FORM: {"schema": schema}}


def _checked(items: list[tuple[str, str | Uploaded]], known: Collection[str]) -> FileForm:
    file: UploadFile | None = None
    fields: dict[str, str] = {}
    for name, value in items:
        if name != "file" and name not in known:
            raise BadField(("body", name), f"is not known: the form has {', '.join(('file', *known))}")
        if name in fields:
            raise BadField(("body", name), "stands twice: send it once")
        match value, name:
            case Uploaded(), "file":
                file = value  # type: ignore[assignment] # FastAPI's is Starlette's with documentation
            case str(), "file":
                raise BadField(("body", "file"), "has no filename: send it as a file")
            case str(), _:
                fields[name] = value
            case _:
                raise BadField(("body", name), "is a file: send it as a field")
    if file is None:
        raise BadField(("body", "file"), "is missing: send the file as the form's `file`, to the end")
    return FileForm(file, fields)
