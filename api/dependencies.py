"""What routes are given: the service as the caller has it, a bank, a page, a precondition; and reading images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Depends, Header, Path, Query, Request

from api.administration import Administration
from api.problems import BadField
from api.scopes import Authority
from api.service import Service
from ted.bank.bank import Bank
from ted.bank.pages import Page
from ted.errors import BadImage
from ted.images import ImageLimits, from_data_url
from ted.sample import Image

BankPath = Annotated[str, Path(description="A bank's id or name.")]
ExperiencePath = Annotated[str, Path(description="An experience's id.")]
JobPath = Annotated[str, Path(description="A job's id.")]


def running(request: Request) -> Service:
    """The service as it runs, for probes: nothing in it is a caller's."""
    found: Service = request.app.state.service
    return found


Running = Annotated[Service, Depends(running)]


def authority(request: Request) -> Authority:
    """What api/guard found. Raises NotAllowed where it is not for this route."""
    found: Authority = request.state.authority
    found.check(request.method, request.scope["route"].path_format)
    return found


Allowed = Annotated[Authority, Depends(authority)]


def service(running: Running, allowed: Allowed) -> Service:
    """The service as this request's caller has it. Routes that need a key stand on it, so that none reaches further."""
    return running.of_caller(allowed.caller)


Serving = Annotated[Service, Depends(service)]


def administration(running: Running, allowed: Allowed) -> Administration:
    """Keys and projects, as this request's caller has them."""
    return Administration.of(allowed, running.ted.database)


Administering = Annotated[Administration, Depends(administration)]


def bank_id(bank: BankPath, service: Serving) -> str:
    """The id of the path's bank. Raises NotFound."""
    return service.ted.banks.find(bank)


def open_bank(bank: BankPath, service: Serving) -> Bank:
    """The path's bank, open. Raises NotFound, StoreMismatch."""
    return service.ted.bank(bank)


BankId = Annotated[str, Depends(bank_id)]
OpenBank = Annotated[Bank, Depends(open_bank)]


def page(
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many.")] = 20,
    after: Annotated[str | None, Query(max_length=300, description="Only what comes after this id.")] = None,
    before: Annotated[
        str | None, Query(max_length=300, description="Only what comes before this id.")
    ] = None,
    order: Annotated[Literal["asc", "desc"], Query(description="Oldest or newest first.")] = "asc",
) -> Page:
    """Which part of a list."""
    return Page(limit, after, before, order)


Paging = Annotated[Page, Depends(page)]


def only_if(
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


def read_images(urls: Sequence[str]) -> tuple[Image, ...]:
    """The images of data URLs, decoded. Raises BadField."""
    images = []
    for number, url in enumerate(urls):
        try:
            images.append(from_data_url(url, limits=ImageLimits()))
        except BadImage as error:
            raise BadField(("body", "images", number), str(error)) from error
    return tuple(images)
