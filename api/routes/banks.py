"""`/v1/banks`: made, listed, shown, changed, deleted."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.dependencies import BankId, OnlyIf, Paging, Serving, etag
from api.refusals import BadField
from api.schemas.banks import BankIn, BankOut, BankPatch
from api.schemas.cascades import CascadeIn
from api.schemas.common import ListOf, listed
from api.schemas.problem import errors
from api.service import Service

router = APIRouter(prefix="/v1/banks", tags=["banks"])


@router.post("", status_code=201, summary="Make a bank", responses=errors(409))
def post_bank(body: BankIn, service: Serving, response: Response) -> BankOut:
    """An empty bank, for the embedders of this server."""
    _check_cascade(body.cascade, service)
    made = service.listings.bank(service.ted.create_bank(body.name, body.settings).id)
    response.headers.update({"Location": f"/v1/banks/{made.id}", **etag(made.tag)})
    return BankOut.of(made)


@router.get("", summary="List banks", responses=errors(body=False))
def get_banks(page: Paging, service: Serving) -> ListOf[BankOut]:
    """All banks, oldest first unless asked otherwise."""
    found = service.listings.banks(page)
    return listed([BankOut.of(b) for b in found.data], [b.id for b in found.data], has_more=found.has_more)


@router.get("/{bank}", summary="Show a bank", responses=errors(404, body=False))
def get_bank(bank: BankId, service: Serving, response: Response) -> BankOut:
    """Its settings, its revision and how much it holds."""
    found = service.listings.bank(bank)
    response.headers.update(etag(found.tag))
    return BankOut.of(found)


@router.patch("/{bank}", summary="Change a bank's settings", responses=errors(404, 409, 412))
def patch_bank(
    bank: BankId, body: BankPatch, only_if: OnlyIf, service: Serving, response: Response
) -> BankOut:
    """What is left out stays as it is. With If-Match, only if nobody changed it meanwhile."""
    _check_cascade(body.cascade, service)
    service.ted.banks.change(bank, body.changed, only_if=only_if)
    return get_bank(bank, service, response)


def _check_cascade(cascade: CascadeIn, service: Service) -> None:
    """Raises BadField for an escalation to nobody."""
    if cascade.escalate == "on_disagreement" and service.teacher is None:
        raise BadField(
            ("body", "cascade", "escalate"), "needs a teacher, and none is configured here: set TED_TEACHER"
        )


@router.delete("/{bank}", status_code=204, summary="Delete a bank", responses=errors(404, 409, body=False))
def delete_bank(bank: BankId, service: Serving) -> None:
    """With everything in it, for good. Refused while a job of it runs or waits."""
    service.ted.delete_bank(bank)
