"""Merges of banks as jobs: resumed ones copy nothing twice and repeat no answered call."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import asdict
from functools import partial
from typing import Any

from ted.bank.bank import Bank
from ted.bank.calls import CallStore, Owner
from ted.bank.job_values import UNFINISHED, Job, may_go_on
from ted.bank.jobs import JobStore
from ted.bank.once import Once
from ted.chat import ChatModel
from ted.compression.banks import check_may_merge, copying, merge_banks
from ted.compression.result import Moment
from ted.draining import Drain
from ted.errors import Conflict, NotFound
from ted.jobs.installation import Installation
from ted.jobs.sole_writer import sole_writer
from ted.jobs.stopping import done_or_ended
from ted.ledger import Ledger
from ted.profile import PROFILES, ProfileName
from ted.settings import Budget
from ted.teacher import Teacher

FLOW_VERSION = 1
"""Of the flow: a job begun under another one is not resumed but begun anew."""


class BankMergeRunner:
    """Begins or resumes merges of other banks into one."""

    def __init__(self, bank: Bank, *, jobs: JobStore, calls: CallStore, drain: Drain | None = None) -> None:
        self._bank, self._jobs, self._calls, self._drain = bank, jobs, calls, drain

    def create(
        self,
        source_id: str,
        *,
        teacher: str,
        profile: ProfileName,
        budget: Budget,
        once: Once | None = None,
    ) -> Job:
        """A new job. Raises Conflict where the two cannot be one, and while another job writes the bank or rests."""
        check_may_merge(self._bank, source_id)
        request = _request(source_id, teacher, profile)
        return self._jobs.create(
            self._bank.id,
            "bank_merge",
            request=request,
            digest=_digest(request),
            budget=asdict(budget),
            once=once,
        )

    def latest(self, source_id: str, *, teacher: str, profile: ProfileName) -> Job | None:
        """The newest job of this very merge."""
        return self._jobs.latest(self._bank.id, _digest(_request(source_id, teacher, profile)))

    def find_or_create(self, source_id: str, *, teacher: str, profile: ProfileName, budget: Budget) -> Job:
        """The same merge where it is unfinished, or a new one."""
        job = self.latest(source_id, teacher=teacher, profile=profile)
        if job is None or job.status not in UNFINISHED:
            return self.create(source_id, teacher=teacher, profile=profile, budget=budget)
        self._jobs.set_budget(job.id, asdict(budget))
        return self._jobs.get(job.id)

    async def run(self, job: Job, *, teacher: ChatModel) -> Job:
        """Runs the job to its end, or to where its budget ends. Raises Conflict while somebody else writes the bank."""
        with sole_writer(self._bank):
            found = self._jobs.get(job.id)
            return await self._run(found, teacher) if may_go_on(found, seen=job) else found

    async def _run(self, job: Job, teacher: ChatModel) -> Job:
        if not self._bank.has_applied(copying(Moment(job.id))):
            try:
                check_may_merge(self._bank, job.request["from"])
            except (Conflict, NotFound) as error:  # what cannot be one will not be one by waiting
                return self._jobs.finish(job.id, "failed", result=None, error=str(error))
        job = self._jobs.begin(job.id, among=(job.status,))
        checkpoint = partial(self._jobs.checkpoint, job)
        owner, budget = Owner(job.project_id, job.bank_id, job.id, job.key_id), Budget(**job.budget)
        ledger = Ledger(self._calls, owner, budget, checkpoint=checkpoint, drain=self._drain)
        merging = merge_banks(
            self._bank,
            job.request["from"],
            Teacher(ledger.around(teacher), PROFILES[job.request["profile"]]),
            moment=Moment(job.id),
        )
        result = await done_or_ended(merging, checkpoint, job=job, jobs=self._jobs)
        if isinstance(result, Job):
            return result
        report = result.to_json() | {"spent": asdict(ledger.spent)}
        return self._jobs.finish(job.id, "succeeded", result=report)


def _request(source_id: str, teacher: str, profile: ProfileName) -> dict[str, Any]:
    return {"from": source_id, "profile": profile, "teacher": teacher, "flow": FLOW_VERSION}


def _digest(request: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(["bank_merge", request], sort_keys=True).encode()).hexdigest()


async def run_submitted(ted: Installation, job: Job) -> Job:
    """Runs a job by the teacher that it names."""
    bank = await asyncio.to_thread(ted.bank, job.bank_id)
    runner = BankMergeRunner(bank, jobs=ted.jobs, calls=ted.calls, drain=ted.drain)
    return await runner.run(job, teacher=ted.teacher(job.request["teacher"]))
