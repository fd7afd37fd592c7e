"""`/ui/banks`: all banks side by side, and one of them in figures and pictures."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import Allowed, AnyBank, OpenBank, Serving
from api.ui.admission import ROOT
from api.ui.pages import After, Before, newest, ways
from api.ui.rendering import HTMX, page
from ted.bank.near_duplicates import clusters_of_near_duplicates
from ted.bank.overviews import Overviews
from ted.bank.utilities import Ranking

router = APIRouter(prefix=f"{ROOT}/banks", include_in_schema=False)

RANKED = 10
CLUSTERS = 20
"""Clusters of near-duplicates that a page shows."""

STATS = ("GET", "/v1/admin/banks/{bank}/stats")


@router.get("")
def get_banks(
    request: Request, service: Serving, allowed: Allowed, after: After = None, before: Before = None
) -> Response:
    """Newest first, with what they are worth for who may see that."""
    part = newest(after, before)
    found = service.listings.banks(part)
    ids = [bank.id for bank in found.data]
    worth: dict[str, Any] = {}
    if allowed.may(*STATS):
        worth = dict(Overviews(service.ted.database).worths(ids))
    turn = ways(request.url.path, part, ids, has_more=found.has_more)
    return page(request, "banks.html", banks=found.data, worth=worth, turn=turn)


@router.get("/{bank}")
def get_bank(
    request: Request,
    bank: AnyBank,
    service: Serving,
    allowed: Allowed,
    ranking: Ranking = "worst",
    after: After = None,
) -> Response:
    """Its figures for an administrator; for others what they could ask for. htmx asks for the ranking alone."""
    details = service.listings.bank(bank.id)
    if not allowed.may(*STATS):
        return page(request, "bank.html", bank=details, figures=None)
    overviews = Overviews(bank.database)
    if request.headers.get("HX-Target") == "ranking":
        listed = overviews.ranking(bank.id, ranking, limit=RANKED, after=after)
        return page(request, "ranking.html", bank=details, ranking=ranking, ranked=listed)
    found = overviews.overview(bank.id, ranking, limit=RANKED, after=after)
    return page(
        request,
        "bank.html",
        bank=details,
        figures=found.figures,
        spent=found.spent,
        spent_total=found.spent_total,
        map=found.map,
        ranking=ranking,
        ranked=found.ranked,
    )


@router.get("/{bank}/near-duplicates")
async def get_near_duplicates(request: Request, bank: OpenBank) -> Response:
    """Those that compression would look at; on request only, since texts may have to be embedded."""
    clusters = await clusters_of_near_duplicates(bank)
    template = "near_duplicates.html" if HTMX in request.headers else "near_duplicates_page.html"
    return page(request, template, bank=bank.record, clusters=clusters[:CLUSTERS], count=len(clusters))
