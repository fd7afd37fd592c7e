"""What the routes stand on while the server runs: an open TED, its worker, its student, and whether it is ready."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypedDict

from api.keyring import Keyring
from api.rates import Rates
from api.refusals import BadField
from migrations.upgrade import at_head
from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.files import FileStore
from ted.bank.foreign import foreign_questions
from ted.bank.job_control import JobControl
from ted.bank.job_events import EventStore
from ted.bank.job_listings import JobListings
from ted.bank.job_values import RESUMED, Job
from ted.bank.keys import KeyStore
from ted.bank.listings import Listings
from ted.bank.origins import Origins
from ted.bank.sessions import SessionStore
from ted.bank.tables import now
from ted.bootstrap import Ted
from ted.completion import CompletionModel
from ted.jobs.worker import JobWorker
from ted.profile import PROFILES
from ted.student import Student

_log = logging.getLogger(__name__)

LEFT_AFTER = timedelta(seconds=10)


@dataclass(slots=True)
class State:
    """How far the start of an app has come: `ok`, or what is lacking."""

    embedder: str = "loading"
    worker: str = "starting"


@dataclass(frozen=True, slots=True)
class Service:
    """What there is for one caller, made for each request by `of_caller`; all share what an app has one of.

    `state` tells how far the start has come; `teacher` None: nobody is configured, so that nothing escalates.
    """

    ted: Ted
    worker: JobWorker
    student: Student
    teacher: Student | None
    completions: CompletionModel
    teachers_completions: CompletionModel | None
    listings: Listings
    job_listings: JobListings
    job_control: JobControl
    job_events: EventStore
    files: FileStore
    origins: Origins
    keyring: Keyring
    rates: Rates
    state: State

    @staticmethod
    def of(ted: Ted, worker: JobWorker) -> Service:
        """For an open TED whose worker is not started yet."""
        chat = ted.student()
        profile = PROFILES[ted.settings.answer_profile]
        large = ted.teacher() if ted.has_teacher else None
        return Service(
            ted,
            worker,
            Student(chat, profile),
            Student(large, profile) if large else None,
            ted.completions(chat),
            ted.completions(large) if large else None,
            **_stores(ted.database, ted.caller),
            keyring=Keyring(KeyStore(ted.database, None), SessionStore(ted.database)),
            rates=Rates(ted.settings.rate_limit_storage, ted.accounts),
            state=State(),
        )

    def of_caller(self, caller: Caller) -> Service:
        """The same, with nothing in it but what is the caller's."""
        return replace(self, ted=self.ted.of(caller), **_stores(self.ted.database, caller))

    def check_models(self, *, student: str | None = None, teacher: str | None = None) -> None:
        """A request may name the configured models, and no others: an address or key never comes from a caller."""
        settings = self.ted.settings
        for role, named, configured in (
            ("student", student, settings.student),
            ("teacher", teacher, settings.teacher),
        ):
            if named not in (None, configured):
                raise BadField(
                    ("body", role),
                    f"is '{named}', but the {role} configured here is '{configured}': leave it out",
                )

    def start_worker(self) -> None:
        """Starts the worker, and hands it the jobs that wait; one that is with it already is not run twice."""
        self.files.clear()
        self.worker.start()
        for job in self.ted.everybodys_jobs.all(statuses=("queued",)):
            self.worker.submit(job.id)
        self.state.worker = "ok"

    async def take_up(self, *, every: float = 1.0) -> None:
        """Hands the worker, for ever, what another process of the store resumed, or made and died; writes keys' uses."""
        while True:
            await asyncio.sleep(every)
            try:
                await asyncio.to_thread(self.keyring.write_uses)
                waiting = await asyncio.to_thread(self.ted.everybodys_jobs.all, statuses=("queued",))
                for job in waiting:
                    if job.reason == RESUMED or self._is_left(job):
                        await asyncio.to_thread(self.worker.submit, job.id)
            except Exception:
                _log.exception(
                    "jobs resumed elsewhere, or the uses of keys, could not be seen to: tried again soon"
                )

    def _is_left(self, job: Job) -> bool:
        """Whether nobody else may come to queue a job: whoever makes one does so at once."""
        return self.ted.database.is_shared and now() - job.created_at > LEFT_AFTER

    def stop_worker(self) -> None:
        """What runs is stopped, to go on at the next start."""
        self.state.worker = "stopped"
        self.worker.stop()
        self.keyring.write_uses(at_once=True)

    async def warm_up(self) -> None:
        """Loads what retrieving would else load at the first question; `embedder` tells how that went.

        A model of language and its library are left to the first question that asks one: a service that is only
        asked to retrieve goes without.
        """
        try:
            await asyncio.to_thread(foreign_questions, self.ted.text_embedder)
            if self.ted.image_embedder is not None:
                await asyncio.to_thread(self.ted.image_embedder.embed_captions, ["ready"])
            self.state.embedder = "ok"
        except Exception as error:
            _log.exception("the embedders cannot be loaded: %s", error)
            self.state.embedder = f"{type(error).__name__}: {error}"

    def checks(self) -> dict[str, str]:
        """What must be `ok` before requests are sent here."""
        try:
            database = "ok" if at_head(self.ted.database.engine) else "its schema is not this version's"
        except Exception as error:
            _log.exception("the database does not answer: %s", error)
            database = f"{type(error).__name__}: {error}"
        serving = "draining: the server is going down" if self.ted.drain.begun else "ok"
        return {
            "database": database,
            "embedder": self.state.embedder,
            "worker": self.state.worker,
            "serving": serving,
        }


class _Stores(TypedDict):
    listings: Listings
    job_listings: JobListings
    job_control: JobControl
    job_events: EventStore
    files: FileStore
    origins: Origins


def _stores(database: Database, caller: Caller) -> _Stores:
    """A caller's, of those that a Ted has not."""
    return {
        "listings": Listings(database, caller),
        "job_listings": JobListings(database, caller),
        "job_control": JobControl(database, caller),
        "job_events": EventStore(database, caller),
        "files": FileStore(database, caller),
        "origins": Origins(database, caller),
    }
