"""The administrator's figures as they are shown; how they are computed is ted/bank/figures' affair."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Literal

from pydantic import Field

from api.schemas.banks import MadeForOut
from api.schemas.common import Shown, Time
from ted.bank.maps import ExperienceMap
from ted.bank.utilities import RankedPage


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


class KeySpendingOut(SpendingOut):
    """Of one key, by its id and name; null: without a key, as at the command line."""

    key_id: str | None
    key: str | None


class ProjectSpendingOut(SpendingOut):
    project: str


class UsageOut(Shown):
    """What the calls of a time came to; `since` and `until` as they were asked for. `by_project` is the operator's."""

    object: Literal["usage"] = "usage"
    since: Time | None
    until: Time | None
    total: SpendingOut
    by_bank_and_model: list[BankSpendingOut]
    by_key: list[KeySpendingOut]
    by_project: list[ProjectSpendingOut] | None


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
    low: float
    high: float
    shown: float
    withheld: float


class RankingOut(Shown):
    """A page of the active experiences that have graded questions on both sides; `before` of `total` precede it."""

    object: Literal["ranking"] = "ranking"
    data: list[RankedOut]
    before: int
    total: int
    has_more: bool

    @staticmethod
    def of(page: RankedPage) -> RankingOut:
        data = [RankedOut(**asdict(one)) for one in page.data]
        return RankingOut(data=data, before=page.before, total=page.total, has_more=page.has_more)


class PointOut(Shown):
    id: str
    when_to_use: str
    x: float
    y: float
    utility: float | None


class MapOut(Shown):
    """Experiences as points of the plane in which their wordings differ most, each axis from -1 to 1; at most 1,000 of the
    `active`, those retrieved most often. `explained` is the share of all variance that each axis has."""

    object: Literal["map"] = "map"
    bank: str
    points: list[PointOut]
    active: int
    explained: tuple[float, float]

    @staticmethod
    def of(bank_id: str, found: ExperienceMap) -> MapOut:
        points = [PointOut(**asdict(point)) for point in found.points]
        return MapOut(bank=bank_id, points=points, active=found.active, explained=found.explained)


class BucketOut(Shown):
    """Experiences of a utility from `low` up to `high`."""

    low: float
    high: float
    count: int


class UtilityOut(Shown):
    """Of active experiences: P(right | shown) - P(right | withheld), posterior mean with an interval of 90 %, of those
    that have graded questions on both sides (`graded`; the others are `ungraded`)."""

    graded: int
    ungraded: int
    mean: float | None
    distribution: list[BucketOut]
    top: list[RankedOut]
    worst: list[RankedOut]


class TrialsShown(Shown):
    """Graded answers with the bank against those for which chance left it out, since the alarm was raised or called off.

    `evidence` is that of harm (with `alarm`: of there being none any more); at `needed` the alarm is raised (called off).
    `difference` of the shares of right answers, with its interval of 90 % at this moment.
    """

    alarm: bool
    since: Time | None
    evidence: float
    needed: float
    with_bank: int
    without_bank: int
    difference: float | None
    low: float
    high: float


class NeverUsedOut(Shown):
    """Active experiences that were never retrieved: how many, and the oldest of them."""

    count: int
    oldest: list[str]


class DayOut(Shown):
    """Questions of one day, in UTC, that the bank was asked for."""

    day: date
    questions: int
    hits: int
    abstained: int


class BankRetrievalsOut(Shown):
    answers: RetrievalsOut
    by_day: list[DayOut] = Field(description="Of answers, the latest 60 days that had any.")
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
    trials: TrialsShown
    never_used: NeverUsedOut
    answers: dict[str, int]
    retrieval: BankRetrievalsOut
    jobs: dict[str, int]
    spending: SpendingsOut
    index: IndexOut
    near_duplicates: NearDuplicatesOut | None
