"""`/v1/banks/{bank}/experiences`: added one by one or many at once, listed, shown, edited, retired, and their histories."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import ValidationError

from api.dependencies import (
    BankId,
    ExperiencePath,
    NumberedPaging,
    OnlyIf,
    OpenBank,
    Paging,
    Serving,
    etag,
    read_images,
)
from api.refusals import BadField
from api.schemas.common import ListOf, listed
from api.schemas.experiences import (
    ExperienceIn,
    ExperienceOut,
    ExperiencePatch,
    ExperiencesIn,
    HistoryOut,
    ItemResult,
    ItemResults,
    OneOrMany,
    StatusName,
)
from api.schemas.problem import FieldProblem, errors
from api.service import Service
from ted.bank.bank import Bank
from ted.bank.changes import Change, Edit, Occasion
from ted.bank.listings import ExperienceDetails
from ted.errors import NotFound
from ted.experience import Key
from ted.operations import Add
from ted.sample import Image
from ted.web_images import ImageReader

router = APIRouter(prefix="/v1/banks/{bank}/experiences", tags=["experiences"])

BY_HAND = Occasion("api")


@router.post(
    "",
    status_code=201,
    summary="Add one experience, or up to 1,000",
    response_model=ExperienceOut | ItemResults,
    responses={
        200: {"model": ItemResults, "description": "Of many: what became of each."},
        201: {"model": ExperienceOut, "description": "Of one: the experience."},
        **errors(404, 503),
    },
)
async def post_experiences(
    bank: OpenBank, body: OneOrMany, service: Serving, response: Response
) -> ExperienceOut | ItemResults:
    """One: 201, or the errors of the request. Many: 200 with the status of each; the good ones are added at once."""
    match body:
        case ExperienceIn():
            images = await asyncio.to_thread(read_images, body.images, service.ted.image_reader())
            (added,) = await _add(service, bank, [(body, images)])
            where = f"/v1/banks/{bank.id}/experiences/{added.experience.id}"
            response.headers.update({"Location": where, **etag(added.tag)})
            return ExperienceOut.of(added)
        case ExperiencesIn():
            response.status_code = 200
            return await _add_many(service, bank, body)


Checked = tuple[ExperienceIn, tuple[Image, ...]]


async def _add_many(service: Service, bank: Bank, body: ExperiencesIn) -> ItemResults:
    good, refused = await asyncio.to_thread(_checked, body, service.ted.image_reader())
    added = await _add(service, bank, list(good.values()))
    created = [
        ItemResult(index=index, status=201, experience=ExperienceOut.of(details))
        for index, details in zip(good, added, strict=True)
    ]
    data = sorted([*created, *refused], key=lambda result: result.index)
    return ItemResults(created=len(created), refused=len(refused), data=data)


def _checked(body: ExperiencesIn, reader: ImageReader) -> tuple[dict[int, Checked], list[ItemResult]]:
    """Those that can be added, by their position, and the results of the others."""
    good: dict[int, Checked] = {}
    refused: list[ItemResult] = []
    for index, sent in enumerate(body.experiences):
        try:
            one = ExperienceIn.model_validate(sent)
            good[index] = (one, read_images(one.images, reader))
        except ValidationError as error:
            problems = [FieldProblem(loc=list(e["loc"]), msg=e["msg"]) for e in error.errors()]
            refused.append(ItemResult(index=index, status=422, errors=problems))
        except BadField as error:
            problems = [FieldProblem(loc=list(loc[1:]), msg=msg) for loc, msg in error.errors]
            refused.append(ItemResult(index=index, status=422, errors=problems))
    return good, refused


async def _add(service: Service, bank: Bank, wanted: Sequence[Checked]) -> list[ExperienceDetails]:
    if not wanted:
        return []
    changes = [
        Change(
            Add(one.when_to_use, one.content),
            keys=(
                *(Key("question", question) for question in one.questions),
                *(Key("image", image_sha256=image.sha256) for image in images),
            ),
            tags=tuple(one.tags),
            provenance={"by": "api"},
        )
        for one, images in wanted
    ]
    applied = await bank.apply(changes, BY_HAND, images=[i for _, images in wanted for i in images])
    return await asyncio.to_thread(service.listings.made_at, bank.id, applied.revision)


@router.get("", summary="List experiences", responses=errors(404, body=False))
def get_experiences(
    bank: BankId,
    page: Paging,
    service: Serving,
    status: Annotated[StatusName | None, Query(description="Only those of this status.")] = None,
    tag: Annotated[str | None, Query(max_length=100, description="Only those that have this tag.")] = None,
    never_used: Annotated[
        bool, Query(description="Only those that were never retrieved as they are.")
    ] = False,
) -> ListOf[ExperienceOut]:
    """Experiences of any status, oldest first unless asked otherwise."""
    found = service.listings.experiences(bank, page, status=status, tag=tag, never_used=never_used)
    return listed(
        [ExperienceOut.of(d) for d in found.data],
        [d.experience.id for d in found.data],
        has_more=found.has_more,
    )


@router.get("/{experience_id}", summary="Show an experience", responses=errors(404, body=False))
def get_experience(
    bank: BankId, experience_id: ExperiencePath, service: Serving, response: Response
) -> ExperienceOut:
    """As it stands, whatever its status, with its usage."""
    found = service.listings.experience(bank, experience_id)
    response.headers.update(etag(found.tag))
    return ExperienceOut.of(found)


@router.patch("/{experience_id}", summary="Edit an experience", responses=errors(404, 412, 503))
async def patch_experience(
    bank: OpenBank,
    experience_id: ExperiencePath,
    body: ExperiencePatch,
    only_if: OnlyIf,
    service: Serving,
    response: Response,
) -> ExperienceOut:
    """Text, status, pin or tags, in one revision. With If-Match, only if nobody changed it meanwhile."""
    edit = Edit(
        experience_id,
        when_to_use=body.when_to_use,
        content=body.content,
        status=body.status,
        pinned=body.pinned,
        tags=None if body.tags is None else tuple(body.tags),
        only_if=only_if,
    )
    await edited(bank, edit)
    return await asyncio.to_thread(get_experience, bank.id, experience_id, service, response)


@router.delete(
    "/{experience_id}",
    status_code=204,
    summary="Retire an experience",
    responses=errors(404, 412, 503, body=False),
)
async def delete_experience(bank: OpenBank, experience_id: ExperiencePath, only_if: OnlyIf) -> None:
    """It is not found any more; it keeps its id and history, and can be restored by setting its status."""
    await edited(bank, Edit(experience_id, status="retired", only_if=only_if))


async def edited(bank: Bank, edit: Edit) -> None:
    """The edit is made, by hand. Raises NotFound, ChangedMeanwhile."""
    await asyncio.to_thread(bank.experience, edit.experience_id)
    applied = await bank.apply([Change(edit, provenance={"by": "api"})], BY_HAND)
    if applied.skipped:
        raise NotFound(applied.skipped[0].why)


@router.get("/{experience_id}/history", summary="An experience's history", responses=errors(404, body=False))
def get_history(
    bank: BankId, experience_id: ExperiencePath, page: NumberedPaging, service: Serving
) -> ListOf[HistoryOut]:
    """Every change of it, with the text after it and where it came from."""
    found = service.listings.history(bank, experience_id, page)
    return listed([HistoryOut.of(h) for h in found.data], [h.id for h in found.data], has_more=found.has_more)


@router.get(
    "/{experience_id}/images/{sha256}",
    summary="An image of an experience",
    response_class=Response,
    responses=errors(404, body=False) | {200: {"content": {"image/*": {}}, "description": "The image."}},
)
def get_image(
    bank: BankId,
    experience_id: ExperiencePath,
    sha256: Annotated[str, Path(description="Of a key of the kind `image`.")],
    service: Serving,
) -> Response:
    """The bytes of one that the experience is found by."""
    return image_response(service.origins.image(bank, experience_id, sha256))


def image_response(image: Image) -> Response:
    """An image that a stranger sent, so that a browser shows it as that and nothing else; it never changes."""
    headers = {
        "ETag": f'"{image.sha256}"',
        "Cache-Control": "private, max-age=86400, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(image.data, media_type=image.media_type, headers=headers)
