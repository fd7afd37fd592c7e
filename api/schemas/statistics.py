"""The administrator's figures as they are shown; how they are computed is ted/bank/figures' affair."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.banks import MadeForOut
from api.schemas.common import Shown, Time


class SpendingOut(Shown):
    """Answered calls. `cost_usd` is null where the price of any is not known: `priced_usd` sums the known prices,
    `unpriced_calls` counts the others."""

    role: str
    model: str
    calls: int
    failed_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    priced_usd: float
    unpriced_calls: int


class SpendingsOut(Shown):
    total: SpendingOut
    by_role_and_model: list[SpendingOut]


class BankSpendingOut(SpendingOut):
    """Of one model for one bank; `bank` is null where the bank was deleted, `bank_id` too where there was none."""

    bank_id: str | None
    bank: str | None


class UsageOut(Shown):
    """What the calls of a time came to; `since` and `until` as they were asked for."""

    object: Literal["usage"] = "usage"
    since: Time | None
    until: Time | None
    total: SpendingOut
    by_bank_and_model: list[BankSpendingOut]


class ReindexedOut(Shown):
    """The index as it is now; `keys_before` as it was."""

    object: Literal["reindex"] = "reindex"
    bank: str
    revision: int
    keys: int
    keys_before: int


class RetrievalsOut(Shown):
    """Questions asked of the bank; rates are null where there was none."""

    questions: int
    hits: int
    abstained: int
    hit_rate: float | None
    abstain_rate: float | None


class OverallOut(Shown):
    """Of all banks."""

    banks: int
    experiences: dict[str, int]
    retrieval: RetrievalsOut
    jobs: dict[str, int]
    spending: SpendingsOut


class GrowthOut(Shown):
    """A revision, and how many active experiences the bank had then."""

    revision: int
    active: int
    reason: str
    job: str | None
    at: Time


class RankedOut(Shown):
    id: str
    when_to_use: str
    utility: float
    shown: int
    shown_correct: float
    shown_wrong: float


class BucketOut(Shown):
    """Experiences of a utility from `low` up to `high`."""

    low: float
    high: float
    count: int


class UtilityOut(Shown):
    """Of active experiences: P(right | shown) - P(right | withheld), posterior mean, of those with a graded use."""

    graded: int
    ungraded: int
    mean: float | None
    distribution: list[BucketOut]
    top: list[RankedOut]
    worst: list[RankedOut]


class NeverUsedOut(Shown):
    """Active experiences that were never retrieved: how many, and the oldest of them."""

    count: int
    oldest: list[str]


class BankRetrievalsOut(Shown):
    answers: RetrievalsOut
    distillation: RetrievalsOut


class IndexOut(Shown):
    """The index in this process against the store."""

    store_revision: int
    index_revision: int
    revision_lag: int
    keys: int


class NearDuplicatesOut(Shown):
    """Clusters of active experiences that say nearly the same, and how many experiences are in them."""

    clusters: int
    experiences: int


class BankStatsOut(Shown):
    """Of one bank. `growth` tells the latest 200 revisions; `usage` sums the present versions' counters."""

    bank: str
    name: str
    revision: int
    experiences: dict[str, int]
    pinned: int
    students: list[MadeForOut]
    notice: str | None = Field(description="Where the configured student is another than theirs.")
    growth: list[GrowthOut]
    usage: dict[str, int | float]
    utility: UtilityOut
    never_used: NeverUsedOut
    answers: dict[str, int]
    retrieval: BankRetrievalsOut
    jobs: dict[str, int]
    spending: SpendingsOut
    index: IndexOut
    near_duplicates: NearDuplicatesOut | None
