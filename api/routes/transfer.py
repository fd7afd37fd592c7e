"""`/v1/banks/{bank}/export` and `/import`: a whole bank as a file, and back."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import IO, Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.dependencies import BankId, Serving
from api.forms import FORM, file_form, form_schema, media_type_of
from api.schemas.problem import errors
from api.schemas.transfer import ImportedOut
from ted.bank.embedding import Embedders
from ted.bank.exporting import export_lines
from ted.bank.importing import OnConflict, import_bank

router = APIRouter(prefix="/v1/banks/{bank}", tags=["banks"])

MEDIA_TYPE = "application/x-ndjson"
CHUNK = 1 << 16
IN_MEMORY = 1 << 20
"""Bytes of a file that are kept in memory; the rest waits on the disk."""

_LINES = {"content": {MEDIA_TYPE: {"schema": {"type": "string", "description": "docs/bank-file.md"}}}}


@router.get(
    "/export",
    summary="Export a bank",
    response_class=StreamingResponse,
    responses={200: {"description": "The bank's file.", **_LINES}, **errors(404, body=False)},
)
def get_export(bank: BankId, service: Serving) -> StreamingResponse:
    """The bank with its history, statistics, vectors and images, as JSON lines; `import` takes it as it is."""
    # Written to the disk first: a slow reader must not hold a snapshot of the store.
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed when it is sent
    with service.ted.database.reading() as session:
        file.writelines(export_lines(session, bank))
    file.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{bank}.jsonl"'}
    return StreamingResponse(_sent(file), media_type=MEDIA_TYPE, headers=headers)


@router.post(
    "/import",
    status_code=201,
    summary="Import a bank",
    responses={
        200: {"model": ImportedOut, "description": "A dry run: nothing was written."},
        **errors(404, 409),
    },
    openapi_extra={"requestBody": {"required": True, "content": _LINES["content"] | form_schema()}},
)
async def post_import(
    bank: Annotated[str, Path(description="The name that the bank is to have.")],
    request: Request,
    response: Response,
    service: Serving,
    on_conflict: Annotated[
        OnConflict,
        Query(description="`refuse`, `replace` the bank of that name, or `copy`: under ids of its own."),
    ] = "refuse",
    dry_run: Annotated[bool, Query(description="Check everything, write nothing.")] = False,
) -> ImportedOut:
    """Makes a bank from what `export` gave: all of it, or, where any line cannot be used, nothing.

    The body is the file itself, or a form with it as `file`.
    """
    ted = service.ted
    async with _received(request) as file:
        done = await run_in_threadpool(
            import_bank,
            file,
            database=ted.database,
            caller=ted.caller,
            embedders=Embedders(ted.text_embedder, ted.image_embedder),
            name=bank,
            on_conflict=on_conflict,
            dry_run=dry_run,
        )
    if dry_run:
        response.status_code = 200
    return ImportedOut.of(done, dry_run=dry_run)


@asynccontextmanager
async def _received(request: Request) -> AsyncIterator[IO[bytes]]:
    given = media_type_of(request)
    if given == FORM:
        async with file_form(request) as form:
            yield form.file.file
        return
    if given not in (MEDIA_TYPE, "application/jsonl", "application/octet-stream"):
        told = f"the body is said to be {given or 'nothing'}: send it as {MEDIA_TYPE}, or as a form ({FORM})"
        raise HTTPException(415, told)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        async for chunk in request.stream():
            await run_in_threadpool(file.write, chunk)
        file.seek(0)
        yield file


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
