"""`/v1/admin`: figures of all banks and of one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.dependencies import OpenBank, Serving
from api.schemas.problem import errors
from api.schemas.statistics import BankStatsOut, OverallOut
from ted.bank.figures import bank_figures, overall_figures

router = APIRouter(prefix="/v1/admin", tags=["admin"])


@router.get("/stats", summary="Figures of all banks", response_model=OverallOut, responses=errors(body=False))
def get_stats(service: Serving) -> dict[str, Any]:
    """Experiences by status, hit and abstain rates, jobs by status, tokens and cost by role and model."""
    return overall_figures(service.ted.database)


@router.get(
    "/banks/{bank}/stats",
    summary="Figures of a bank",
    response_model=BankStatsOut,
    responses=errors(404, 503, body=False),
)
async def get_bank_stats(
    bank: OpenBank,
    near_duplicates: Annotated[
        bool, Query(description="Count near-duplicates, too: embeds the text of every active experience.")
    ] = False,
) -> dict[str, Any]:
    """Growth, usage, utility, what was never used, rates, cost, and the health of its index."""
    return await bank_figures(bank, with_near_duplicates=near_duplicates)
