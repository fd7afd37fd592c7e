"""What routes are given: the service as the caller has it, a bank, a page, a precondition; and reading images.

What asks no store is a coroutine: FastAPI takes a plain function to a thread, which costs more than these do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Depends, Header, Path, Query, Request

from api.administration import Administration
from api.refusals import BadField
from api.scopes import Authority
from api.service import Service
from ted.bank.bank import Bank
from ted.bank.pages import Page
from ted.bank.stored import StoredBank
from ted.errors import BadImage
from ted.sample import Image
from ted.web_images import ImageReader

BankPath = Annotated[str, Path(description="A bank's id or name.")]
ExperiencePath = Annotated[str, Path(description="An experience's id.")]
JobPath = Annotated[str, Path(description="A job's id.")]


async def running(request: Request) -> Service:
    """The service as it runs, for probes: nothing in it is a caller's."""
    found: Service = request.app.state.service
    return found


Running = Annotated[Service, Depends(running)]


async def authority(request: Request) -> Authority:
    """What api/guard found. Raises NotAllowed where it is not for this route."""
    found: Authority = request.state.authority
    found.check(request.method, request.scope["route"].path_format)
    return found


Allowed = Annotated[Authority, Depends(authority)]


async def service(running: Running, allowed: Allowed) -> Service:
    """The service as this request's caller has it. Routes that need a key stand on it, so that none reaches further."""
    return running.of_caller(allowed.caller)


Serving = Annotated[Service, Depends(service)]


async def administration(running: Running, allowed: Allowed) -> Administration:
    """Keys and projects, as this request's caller has them."""
    return Administration.of(allowed, running.ted.database)


Administering = Annotated[Administration, Depends(administration)]


def bank_id(bank: BankPath, service: Serving) -> str:
    """The id of the path's bank. Raises NotFound."""
    return service.ted.banks.find(bank)


def open_bank(bank: BankPath, service: Serving) -> Bank:
    """The path's bank, open. Raises NotFound, StoreMismatch."""
    return service.ted.bank(bank)


def stored_bank(bank: BankPath, service: Serving) -> StoredBank:
    """The path's bank, whatever its embedders. Raises NotFound."""
    return StoredBank(service.ted.banks.find(bank), database=service.ted.database)


BankId = Annotated[str, Depends(bank_id)]
OpenBank = Annotated[Bank, Depends(open_bank)]
AnyBank = Annotated[StoredBank, Depends(stored_bank)]


Limit = Annotated[int, Query(ge=1, le=100, description="At most so many.")]
Order = Annotated[Literal["asc", "desc"], Query(description="Oldest or newest first.")]
_AFTER, _BEFORE = "Only what comes after this id.", "Only what comes before this id."
NUMBER = "^[0-9]{1,15}$"
"""The ids of what is numbered; of more digits than this no number would do for the store."""


async def page(
    limit: Limit = 20,
    after: Annotated[str | None, Query(max_length=300, description=_AFTER)] = None,
    before: Annotated[str | None, Query(max_length=300, description=_BEFORE)] = None,
    order: Order = "asc",
) -> Page:
    """Which part of a list."""
    return Page(limit, after, before, order)


async def numbered_page(
    limit: Limit = 20,
    after: Annotated[str | None, Query(pattern=NUMBER, description=_AFTER)] = None,
    before: Annotated[str | None, Query(pattern=NUMBER, description=_BEFORE)] = None,
    order: Order = "asc",
) -> Page:
    """Which part of a list whose ids are numbers."""
    return Page(limit, after, before, order)


Paging = Annotated[Page, Depends(page)]
NumberedPaging = Annotated[Page, Depends(numbered_page)]


async def only_if(
    if_match: Annotated[
        str | None, Header(description="ETags of which one must still hold; else 412 and nothing is changed.")
    ] = None,
) -> tuple[str, ...] | None:
    """The tags of If-Match; None where it is absent or `*`. A weak tag never matches."""
    if if_match is None or if_match.strip() == "*":
        return None
    return tuple(tag.strip().removeprefix('"').removesuffix('"') for tag in if_match.split(","))


OnlyIf = Annotated[tuple[str, ...] | None, Depends(only_if)]


def etag(tag: str) -> dict[str, str]:
    """The header that tells a tag."""
    return {"ETag": f'"{tag}"'}


def read_images(urls: Sequence[str], reader: ImageReader) -> tuple[Image, ...]:
    """The images of URLs, decoded; it waits where they are fetched. Raises BadField."""
    images = []
    for number, url in enumerate(urls):
        try:
            images.append(reader.read(url))
        except BadImage as error:
            raise BadField(("body", "images", number), str(error)) from error
    return tuple(images)
