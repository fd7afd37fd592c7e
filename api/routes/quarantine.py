"""`/v1/banks/{bank}/quarantine`: samples and experiences that are held back, and their review."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.dependencies import BankId, OpenBank, Paging, Serving
from api.schemas.common import ListOf, listed
from api.schemas.problem import errors
from api.schemas.quarantine import HeldOut
from ted.bank.quarantine import HeldKind, review

router = APIRouter(prefix="/v1/banks/{bank}/quarantine", tags=["experiences"])

HeldPath = Annotated[str, Path(max_length=300, description="The id of what is held back.")]
_REVIEWED = errors(404, 409, 503, body=False)


@router.get("", summary="List what is held back", responses=errors(404, body=False))
def get_quarantine(
    bank: BankId,
    page: Paging,
    service: Serving,
    kind: Annotated[HeldKind | None, Query(description="Only samples, or only experiences.")] = None,
    reviewed: Annotated[bool, Query(description="What was reviewed, in place of what waits.")] = False,
) -> ListOf[HeldOut]:
    """What gives the model orders, or seems to, with the passage that tells. No model is shown it while it waits."""
    found = service.ted.quarantine.of_bank(bank, page, kind=kind, reviewed=reviewed)
    return listed(
        [HeldOut.of(held) for held in found.data], [h.id for h in found.data], has_more=found.has_more
    )


@router.post("/{held_id}/accept", summary="Accept what is held back", responses=_REVIEWED)
async def post_accept(bank: OpenBank, held_id: HeldPath, service: Serving) -> HeldOut:
    """An experience is served, in the place of what it was written for; a sample is worked on by the next run.

    409 for an experience that does not wait any more.
    """
    return HeldOut.of(await review(bank, service.ted.quarantine, held_id, accepted=True, by="api"))


@router.post("/{held_id}/reject", summary="Reject what is held back", responses=_REVIEWED)
async def post_reject(bank: OpenBank, held_id: HeldPath, service: Serving) -> HeldOut:
    """It is kept, and never used. 409 for an experience that does not wait any more."""
    return HeldOut.of(await review(bank, service.ted.quarantine, held_id, accepted=False, by="api"))
