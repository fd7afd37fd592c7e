"""`/v1/admin`: figures of all banks and of one, what was spent, and an index built anew."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.dependencies import Allowed, AnyBank, Limit, OpenBank, Serving
from api.schemas.common import AskedTime
from api.schemas.problem import errors
from api.schemas.statistics import BankStatsOut, MapOut, OverallOut, RankingOut, ReindexedOut, UsageOut
from ted.bank.figures import bank_figures, overall_figures, usage_figures
from ted.bank.overviews import Overviews
from ted.bank.utilities import Ranking

router = APIRouter(prefix="/v1/admin", tags=["admin"])


@router.get("/stats", summary="Figures of all banks", response_model=OverallOut, responses=errors(body=False))
def get_stats(service: Serving) -> dict[str, Any]:
    """Experiences by status, hit and abstain rates, jobs by status, tokens and cost by role and model."""
    return overall_figures(service.ted.database, service.ted.caller)


@router.get(
    "/banks/{bank}/stats",
    summary="Figures of a bank",
    response_model=BankStatsOut,
    responses=errors(404, 503, body=False),
)
async def get_bank_stats(
    bank: OpenBank,
    service: Serving,
    near_duplicates: Annotated[
        bool, Query(description="Count near-duplicates, too: embeds the text of every active experience.")
    ] = False,
) -> dict[str, Any]:
    """Growth, usage, utility, what was never used, rates, cost, and the health of its index."""
    return await bank_figures(
        bank, student=service.ted.settings.student, with_near_duplicates=near_duplicates
    )


@router.get(
    "/banks/{bank}/utilities",
    summary="Experiences by utility",
    responses=errors(404, body=False),
)
def get_utilities(
    bank: AnyBank,
    ranking: Annotated[Ranking, Query(alias="order", description="Best or worst first.")] = "best",
    limit: Limit = 20,
    after: Annotated[str | None, Query(max_length=300, description="Only what follows this id.")] = None,
) -> RankingOut:
    """The active experiences that have graded questions on both sides, with their intervals of 90 %."""
    return RankingOut.of(Overviews(bank.database).ranking(bank.id, ranking, limit=limit, after=after))


@router.get("/banks/{bank}/map", summary="Experiences as a map", responses=errors(404, body=False))
def get_map(bank: AnyBank) -> MapOut:
    """What is alike lies near: the first two principal components of the wordings' vectors."""
    return MapOut.of(bank.id, Overviews(bank.database).map(bank.id))


@router.get("/usage", summary="What was spent", response_model=UsageOut, responses=errors(404, body=False))
def get_usage(
    service: Serving,
    allowed: Allowed,
    since: Annotated[AskedTime | None, Query(description="Only calls made at this moment or later.")] = None,
    until: Annotated[AskedTime | None, Query(description="Only calls made before this moment.")] = None,
    bank: Annotated[str | None, Query(description="Only those for this bank (id or name).")] = None,
) -> dict[str, Any]:
    """Calls, tokens and cost by bank and model and by key, summed from the ledger; for the operator by project, too."""
    bank_id = None if bank is None else service.ted.banks.find(bank)
    return usage_figures(
        service.ted.database,
        service.ted.caller,
        since=since,
        until=until,
        bank_id=bank_id,
        everybodys=allowed.operates and bank_id is None,
    )


@router.post(
    "/banks/{bank}/reindex", summary="Build a bank's index anew", responses=errors(404, 503, body=False)
)
async def post_reindex(bank: OpenBank) -> ReindexedOut:
    """From the vectors in the store, in this process. Questions are answered from the old index until it is there."""
    before = await asyncio.to_thread(bank.index_health)
    await bank.reindex()
    now = await asyncio.to_thread(bank.index_health)
    return ReindexedOut(
        bank=bank.id, revision=now["index_revision"], keys=now["keys"], keys_before=before["keys"]
    )
