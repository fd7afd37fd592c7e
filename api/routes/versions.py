"""`/v1/banks/{bank}/versions`, `/diff` and `/rollback`: revisions named, compared, gone back to; merges undone."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.dependencies import BankId, ExperiencePath, NumberedPaging, OpenBank, Serving, etag
from api.schemas.common import ListOf, listed
from api.schemas.experiences import ExperienceOut
from api.schemas.problem import errors
from api.schemas.versions import ComparedOut, RollBackIn, RolledBackOut, VersionIn, VersionOut
from ted.bank.changes import Change, Occasion, Unmerge
from ted.bank.versions import VersionStore, roll_back

router = APIRouter(prefix="/v1/banks/{bank}", tags=["versions"])

BY_API = {"by": "api"}
Named = Annotated[str, Query(min_length=1, max_length=100)]


@router.post("/versions", status_code=201, summary="Name a revision", responses=errors(404, 409))
def post_version(bank: BankId, body: VersionIn, service: Serving) -> VersionOut:
    """A name stays with its revision."""
    return VersionOut.of(VersionStore(service.ted.database).name(bank, body.name, body.revision))


@router.get("/versions", summary="List the named revisions", responses=errors(404, body=False))
def get_versions(bank: BankId, page: NumberedPaging, service: Serving) -> ListOf[VersionOut]:
    """In the order in which they were named."""
    found = VersionStore(service.ted.database).list(bank, page)
    return listed([VersionOut.of(v) for v in found.data], [v.id for v in found.data], has_more=found.has_more)


@router.get("/diff", summary="Compare two revisions", responses=errors(404, body=False))
def get_diff(
    bank: BankId,
    service: Serving,
    before: Annotated[Named, Query(alias="from", description="A revision's number, or its name.")],
    after: Annotated[
        Named | None, Query(alias="to", description="Likewise; left out: the present revision.")
    ] = None,
) -> ComparedOut:
    """What was added, removed, restored, rewritten, and otherwise changed from one to the other."""
    return ComparedOut.of(VersionStore(service.ted.database).compare(bank, before, after))


@router.post("/rollback", summary="Go back to a revision", responses=errors(404, 409, 503))
async def post_rollback(bank: OpenBank, body: RollBackIn) -> RolledBackOut:
    """By a new revision in which experiences are as they were; those made since are retired, and nothing is deleted.

    409 while a job writes the bank, waits to, or rests.
    """
    return RolledBackOut.of(await roll_back(bank, body.to, dry_run=body.dry_run, provenance=BY_API))


@router.post(
    "/experiences/{experience_id}/unmerge",
    summary="Undo a merge",
    responses=errors(404, 409, 503, body=False),
)
async def post_unmerge(
    bank: OpenBank, experience_id: ExperiencePath, service: Serving, response: Response
) -> ExperienceOut:
    """The merge is retired and its parents are restored; no compression merges them again while their texts stay.

    409 where it is no merge, where it or a parent has gone on into another one, or where the bank has no room.
    """
    await asyncio.to_thread(bank.experience, experience_id)
    await bank.apply([Change(Unmerge(experience_id), provenance=BY_API)], Occasion("api"))
    found = await asyncio.to_thread(service.listings.experience, bank.id, experience_id)
    response.headers.update(etag(found.tag))
    return ExperienceOut.of(found)
