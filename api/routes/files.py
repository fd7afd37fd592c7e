"""`/v1/files`: samples uploaded once, to be distilled from or evaluated with by their id."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, get_args
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as InPath
from starlette.responses import Response, StreamingResponse

from api.dependencies import Paging, Serving
from api.forms import FORM, file_form, form_schema, media_type_of
from api.refusals import BadField, BadFileSamples
from api.schemas.common import ListOf, listed
from api.schemas.files import FileOut
from api.schemas.problem import errors
from api.service import Service
from ted.bank.files import Format, Purpose
from ted.errors import BadSamples
from ted.images import ImageLimits, OpenImage
from ted.sample_archives import is_archive, read_upload
from ted.texts import shortened

router = APIRouter(prefix="/v1/files", tags=["files"])

FileId = Annotated[str, InPath(description="A file's id.")]
MEDIA_TYPES: dict[Format, str] = {"jsonl": "application/jsonl", "zip": "application/zip"}
TAKEN = (
    *MEDIA_TYPES.values(),
    "application/x-ndjson",
    "application/x-zip-compressed",
    "application/octet-stream",
    "text/plain",
)
_MEANT: dict[str, Purpose] = {
    **{purpose: purpose for purpose in get_args(Purpose)},
    "fine-tune": "distillation",
    "evals": "evaluation",
}
"""What a form's purposes mean: ours, and two of OpenAI's; its others (`batch`, `assistants`) have no sense here."""

_BODY = {
    "required": True,
    "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in MEDIA_TYPES.values()}
    | form_schema({"purpose": {"type": "string", "enum": [*_MEANT], "default": "distillation"}}),
}


@router.post(
    "",
    status_code=201,
    summary="Upload a file of samples",
    responses=errors(),
    openapi_extra={"requestBody": _BODY},
)
async def post_file(
    request: Request,
    service: Serving,
    filename: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="What it is called; a form's file brings its own."),
    ] = None,
    purpose: Annotated[Purpose, Query(description="What it is meant for.")] = "distillation",
) -> FileOut:
    """The body is the file itself, or a form with it as `file`, as OpenAI's clients send it: JSON lines, or a zip of
    one `.jsonl` and the images its lines name by relative path.

    Of OpenAI's purposes a form may name `fine-tune` (it is kept as `distillation`) and `evals` (`evaluation`).
    Where a line cannot be used, nothing is kept and all bad lines are told by their numbers.
    """
    media_type = media_type_of(request, "application/octet-stream")
    if media_type == FORM:
        async with file_form(request, fields=("purpose",)) as form:
            named = form.fields.get("purpose", purpose)
            if named not in _MEANT:
                raise BadField(("body", "purpose"), f"is {named!r}: it must be one of {', '.join(_MEANT)}")
            name = good_name(filename or form.file.filename, ("body", "file"))
            return await kept(form.chunks(), name, _MEANT[named], service)
    if media_type not in TAKEN:
        raise HTTPException(
            415,
            f"the body is said to be {media_type}: send the file itself as the body, as one of {', '.join(TAKEN)},"
            f" or as a form ({FORM})",
        )
    return await kept(request.stream(), good_name(filename, ("query", "filename")), purpose, service)


@router.get("", summary="List files", responses=errors(body=False))
def get_files(
    page: Paging,
    service: Serving,
    purpose: Annotated[Purpose | None, Query(description="Only those for this.")] = None,
) -> ListOf[FileOut]:
    """Oldest first unless asked otherwise."""
    found = service.files.files(page, purpose=purpose)
    return listed([FileOut.of(f) for f in found.data], [f.id for f in found.data], has_more=found.has_more)


@router.get("/{file_id}", summary="Show a file", responses=errors(404, body=False))
def get_file(file_id: FileId, service: Serving) -> FileOut:
    """What is known of it; its bytes are at `/content`."""
    return FileOut.of(service.files.get(file_id))


@router.get(
    "/{file_id}/content",
    summary="A file's bytes",
    response_class=StreamingResponse,
    responses=errors(404, body=False),
)
def get_content(file_id: FileId, service: Serving) -> StreamingResponse:
    """As they were uploaded."""
    record = service.files.get(file_id)
    headers = {
        "Content-Length": str(record.bytes),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(record.filename, safe='')}",
        "ETag": f'"{record.sha256}"',
    }
    return StreamingResponse(
        service.files.content(record), media_type=MEDIA_TYPES[record.format], headers=headers
    )


@router.delete("/{file_id}", status_code=204, summary="Delete a file", responses=errors(404, body=False))
def delete_file(file_id: FileId, service: Serving) -> Response:
    """Jobs keep the samples that they were given."""
    service.files.delete(file_id)
    return Response(status_code=204)


def good_name(filename: str | None, loc: tuple[str, str]) -> str:
    """A name that may be kept and shown. Raises BadField."""
    if not filename:
        raise BadField(loc, "has no name: say what the file is called")
    if len(filename) > 200 or not filename.isprintable() or "/" in filename or "\\" in filename:
        raise BadField(loc, f"is {shortened(filename)!r}: give a name of at most 200 characters, not a path")
    return filename


async def kept(chunks: AsyncIterator[bytes], filename: str, purpose: Purpose, service: Service) -> FileOut:
    """The file is checked and kept. Raises BadFileSamples."""
    arrived = await asyncio.to_thread(service.files.incoming)
    try:
        size, sha256 = await _received(chunks, arrived)
        format, samples = await asyncio.to_thread(_checked, arrived, service.ted.image_reader().read, purpose)
        record = await asyncio.to_thread(
            service.files.add,
            arrived,
            filename=filename,
            purpose=purpose,
            format=format,
            size=size,
            sha256=sha256,
            samples=samples,
        )
    finally:
        await asyncio.to_thread(arrived.unlink, missing_ok=True)
    return FileOut.of(record)


async def _received(chunks: AsyncIterator[bytes], path: Path) -> tuple[int, str]:
    """Bytes and hash of the file, written as it comes; one that is too large is refused by the byte too many."""
    size, digest = 0, hashlib.sha256()
    with await asyncio.to_thread(path.open, "wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            digest.update(chunk)
            await asyncio.to_thread(file.write, chunk)
    return size, digest.hexdigest()


def _checked(path: Path, open_url: OpenImage, purpose: Purpose) -> tuple[Format, int]:
    try:
        labelled = purpose == "evaluation"
        samples = read_upload(path, limits=ImageLimits(), open_url=open_url, labelled=labelled)
    except BadSamples as error:
        raise BadFileSamples(error) from error
    return ("zip" if is_archive(path) else "jsonl"), len(samples)
