"""The flow of a distillation: batches of samples worked on concurrently, each batch settled into the bank at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ted.bank.bank import Bank
from ted.bank.changes import Applied, Change, Occasion
from ted.bank.compressing import CompressionStore
from ted.bank.material import MaterialStore, Place
from ted.compression.usefulness import is_harmful
from ted.distillation.gating import judgements
from ted.distillation.outcome import Outcome, Skipped
from ted.distillation.reconcile import added_texts, reconcile
from ted.gathering import all_of
from ted.operations import Remove
from ted.sample import Image, Sample


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples that see the same bank. Batches are numbered from 0 within an epoch, epochs from 0.

    `again`: the epoch whose failed items are worked on once more; the batch then stands in an epoch of the retry's own.
    """

    job_id: str
    epoch: int
    number: int
    samples: tuple[Sample, ...]
    again: int | None = None

    def place(self, sample: Sample) -> Place:
        return Place(self.job_id, self.epoch if self.again is None else self.again, sample.id)

    @property
    def occasion(self) -> Occasion:
        """For which the bank changes once only."""
        return Occasion("distillation", self.job_id, self.epoch, self.number)


def batches(job_id: str, samples: Sequence[Sample], *, epochs: int, size: int) -> Iterator[Batch]:
    """All batches in the order they are worked on; the samples keep their order."""
    for epoch in range(epochs):
        for number, start in enumerate(range(0, len(samples), size)):
            yield Batch(job_id, epoch, number, tuple(samples[start : start + size]))


def retried(
    plan: Sequence[Batch],
    samples: Sequence[Sample],
    rounds: Sequence[Sequence[tuple[int, str]]],
    *,
    size: int,
) -> list[Batch]:
    """The plan with batches for each round of retries, each a list of (epoch, sample id), behind it.

    An item belongs to the last round that names it alone: the batches before stay what they were without it.
    """
    last = {item: number for number, items in enumerate(rounds) for item in items}
    job_id, epochs = plan[0].job_id, 1 + max(batch.epoch for batch in plan)
    kept = [
        replace(batch, samples=tuple(s for s in batch.samples if (batch.epoch, s.id) not in last))
        for batch in plan
    ]
    for number, items in enumerate(rounds):
        count = 0
        for epoch in range(epochs):
            mine = [sample for sample in samples if (epoch, sample.id) in items]
            for start in range(0, len(mine), size):
                chosen = tuple(s for s in mine[start : start + size] if last[epoch, s.id] == number)
                kept.append(Batch(job_id, epochs + number, count, chosen, again=epoch))
                count += 1
    return kept


@dataclass(frozen=True, slots=True)
class Settled:
    """What a batch did to the bank."""

    applied: Applied
    skipped: tuple[Skipped, ...]
    united: int


async def distill(
    plan: Iterable[Batch],
    *,
    work: Callable[[Batch, Sample], Awaitable[None]],
    settle: Callable[[Batch], Awaitable[None]],
) -> None:
    """Works on the samples of each batch concurrently and settles the batch before the next one begins."""
    for batch in plan:
        await all_of([work(batch, sample) for sample in batch.samples])
        await settle(batch)


async def settle_batch(batch: Batch, *, bank: Bank, material: MaterialStore, gate: str = "none") -> Settled:
    """The proposals of the batch in sample order, reconciled and applied in one transaction, with what its samples
    say of candidates kept before."""
    outcomes, revisions = await asyncio.to_thread(_finished, batch, material)
    vectors = await bank.embed_texts(added_texts(outcomes))
    reconciled = reconcile(outcomes, vectors)
    images: dict[str, Image] = {i.sha256: i for s in batch.samples for i in s.question.images}
    judged = await asyncio.to_thread(judgements, outcomes, bank, gate)
    if batch.epoch > 0:
        judged += await asyncio.to_thread(_harmful, bank)
    applied = await bank.apply(
        (*reconciled.changes, *judged),
        batch.occasion,
        base_revision=min(revisions, default=None),
        images=list(images.values()),
    )
    stale = tuple(
        Skipped(s.sample, "stale", f"{s.operation} of {s.experience_id}: {s.why}") for s in applied.skipped
    )
    return Settled(applied, reconciled.skipped + stale, reconciled.united)


def _harmful(bank: Bank) -> list[Change]:
    """Removals of what was measured to harm: a later epoch withholds, so that it can be seen."""
    survey = CompressionStore(bank.database).survey(bank.id)
    return [
        Change(
            Remove(s.experience.id),
            provenance={"why": f"harmful: its utility is at most {s.usage.utility.high:+.2f}"},
        )
        for s in survey.standings
        if is_harmful(s.usage) and not s.experience.pinned
    ]


def _finished(batch: Batch, material: MaterialStore) -> tuple[list[Outcome], list[int]]:
    outcomes, revisions = [], []
    for sample in batch.samples:
        place = batch.place(sample)
        if found := material.outcome(place):
            outcomes.append(Outcome.from_json(found))
        if retrieval := material.frozen_retrieval(place):
            revisions.append(retrieval.revision)
    return outcomes, revisions
