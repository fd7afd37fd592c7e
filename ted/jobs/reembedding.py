"""Re-embeddings as jobs: the bank is as it was until all its keys have new vectors, and then has its new embedders."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from ted.bank.embedding import Embedders
from ted.bank.job_values import UNFINISHED, Job, may_go_on
from ted.bank.jobs import JobStore
from ted.bank.once import Once
from ted.bank.reembedding import ReembeddingPlan, ReembeddingStore, Target, embed_bare
from ted.bank.stored import StoredBank
from ted.draining import Drain
from ted.jobs.installation import Installation
from ted.jobs.sole_writer import sole_writer
from ted.jobs.stopping import done_or_ended
from ted.settings import Budget

FLOW_VERSION = 1
"""Of the flow: a job begun under another one is not resumed but begun anew."""


class ReembeddingRunner:
    """Begins or resumes re-embeddings of one bank by the embedders of this process. The bank need not be open."""

    def __init__(
        self, bank: StoredBank, *, embedders: Embedders, jobs: JobStore, drain: Drain | None = None
    ) -> None:
        self._bank, self._embedders, self._jobs = bank, embedders, jobs
        self._drain = drain or Drain()
        self._target = Target.of(embedders)
        self._store = ReembeddingStore(bank.database, bank.id, self._target)
        self._request: dict[str, Any] = {**asdict(self._target), "flow": FLOW_VERSION}

    def preview(self) -> ReembeddingPlan:
        """What would be embedded; nothing is."""
        return self._store.plan()

    def create(self, *, once: Once | None = None) -> Job:
        """A queued job. Raises Conflict while another job writes the bank, waits to, or rests."""
        return self._jobs.create(
            self._bank.id,
            "reembedding",
            request=self._request,
            digest=self._digest,
            budget=asdict(Budget()),
            once=once,
        )

    def unfinished(self) -> Job | None:
        """The job that brings the bank to these very embedders, if there is one that has not ended."""
        job = self._jobs.latest(self._bank.id, self._digest)
        return job if job is not None and job.status in UNFINISHED else None

    async def run(self, job: Job, *, progress: Callable[[Job], None] = lambda job: None) -> Job:
        """Runs the job to its end; what is embedded already is not embedded again.

        Where it is for other embedders than are here, it rests. Raises Conflict while somebody else writes the bank.
        """
        with sole_writer(self._bank):
            found = self._jobs.get(job.id)
            return await self._run(found, progress) if may_go_on(found, seen=job) else found

    async def _run(self, job: Job, progress: Callable[[Job], None]) -> Job:
        job = self._jobs.begin(job.id, among=(job.status,))
        if job.request != self._request:
            wanted = ", ".join(f"{kind} '{job.request[kind]}'" for kind in ("text", "image"))
            return self._jobs.pause(
                job.id, f"it is for the embedders {wanted}: resume it where those are configured"
            )
        checkpoint = partial(self._jobs.checkpoint, job)
        return await done_or_ended(self._work(job, progress), checkpoint, job=job, jobs=self._jobs)

    async def _work(self, job: Job, progress: Callable[[Job], None]) -> Job:
        """Until no key lacks a vector: the bank may be changed by hand meanwhile."""
        while True:
            await asyncio.to_thread(self._store.count, job)
            await self._embed(job, progress)
            if ended := await asyncio.to_thread(self._store.switch, job):
                return ended

    async def _embed(self, job: Job, progress: Callable[[Job], None]) -> None:
        after = 0
        while keys := await asyncio.to_thread(self._store.bare, after=after):
            async with self._drain.call():
                made = await asyncio.to_thread(embed_bare, keys, self._embedders)
                await asyncio.to_thread(self._store.keep, job, keys, made)
            after = keys[-1].id
            progress(job)

    @property
    def _digest(self) -> str:
        asked = ["reembedding", self._request]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def reembedding_runner(ted: Installation, bank: StoredBank) -> ReembeddingRunner:
    """For a bank of any embedders, by those that are here. What they are called may take loading them."""
    here = Embedders(ted.text_embedder, ted.image_embedder)
    return ReembeddingRunner(bank, embedders=here, jobs=ted.jobs, drain=ted.drain)


async def run_submitted(ted: Installation, job: Job) -> Job:
    """Runs a job, if it is for the embedders that are here."""
    bank = StoredBank(job.bank_id, database=ted.database)
    runner = await asyncio.to_thread(reembedding_runner, ted, bank)
    return await runner.run(job)
