"""Banks in the store: made, found by name or id, listed, deleted. What is in one is ted/bank/bank's affair."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.job_tables import JobRow
from ted.bank.tables import BankRow, ExperienceRow
from ted.errors import BadInput, ChangedMeanwhile, Conflict, NotAllowed, NotFound
from ted.ids import new_id
from ted.settings import CascadeSettings, RetrievalSettings, TrialSettings


@dataclass(frozen=True, slots=True)
class BankSettings:
    """What may change of a bank without changing what is in it."""

    name: str
    description: str = ""
    retrieval: RetrievalSettings = field(default_factory=RetrievalSettings)
    max_experiences: int = 200
    max_tokens: int = 20_000
    metadata: dict[str, Any] = field(default_factory=dict)
    trials: TrialSettings = field(default_factory=TrialSettings)
    cascade: CascadeSettings = field(default_factory=CascadeSettings)


def settings_tag(row: BankRow) -> str:
    """Changes whenever the bank's settings do."""
    return hashlib.sha256(json.dumps(asdict(_settings(row)), sort_keys=True).encode()).hexdigest()[:16]


def _settings(row: BankRow) -> BankSettings:
    return BankSettings(
        row.name,
        row.description,
        RetrievalSettings().with_options(row.retrieval),
        row.max_experiences,
        row.max_tokens,
        row.details,
        TrialSettings(**row.trials),
        CascadeSettings(**row.cascade),
    )


class BankStore:
    """Reads and writes a caller's banks; each method is one short transaction. A bank is named by its name or its id."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    def create(
        self,
        name: str,
        *,
        text_fingerprint: str,
        image_fingerprint: str | None,
        retrieval: RetrievalSettings | None = None,
        settings: BankSettings | None = None,
    ) -> str:
        """The id of a new bank. Raises BadInput for a name that cannot be used, Conflict for one that is taken.

        `settings`: all of them, but for the name; `retrieval` where only those matter.
        """
        check_name(name)
        check_may_make(self._caller)
        wanted = settings or BankSettings(name, retrieval=retrieval or RetrievalSettings())
        with self._database.writing() as session:
            self._check_free(session, name, None)
            row = BankRow(
                id=new_id("bank"),
                project_id=self._caller.project_id,
                text_fingerprint=text_fingerprint,
                image_fingerprint=image_fingerprint,
            )
            _put(row, replace(wanted, name=name))
            session.add(row)
            return row.id

    def change(
        self,
        bank_id: str,
        change: Callable[[BankSettings], BankSettings],
        *,
        only_if: tuple[str, ...] | None = None,
    ) -> None:
        """Other settings for a bank, made from those it has at that moment.

        `only_if`: tags of which its settings must have one, else ChangedMeanwhile. Raises NotFound, and as `create`.
        """
        with self._database.writing() as session:
            row = session.get(BankRow, bank_id)
            if row is None or not self._caller.has(row):
                raise NotFound(f"bank {bank_id} is gone")
            if only_if is not None and (tag := settings_tag(row)) not in only_if:
                raise ChangedMeanwhile(
                    f"bank '{row.name}' is at {tag}, which is not what you last saw: read it again, then change it"
                )
            wanted = change(_settings(row))
            if wanted.name != row.name:
                check_name(wanted.name)
                self._check_free(session, wanted.name, bank_id)
            _put(row, wanted)

    def settings(self, bank_id: str) -> BankSettings:
        """Those it has now. Raises NotFound."""
        with self._database.reading() as session:
            row = session.get(BankRow, bank_id)
            if row is None or not self._caller.has(row):
                raise NotFound(f"bank {bank_id} is gone")
            return _settings(row)

    def find(self, bank: str) -> str:
        """The id of the bank of this name or id; an id goes before a name. Raises NotFound."""
        query = select(BankRow.id).where(
            or_(BankRow.name == bank, BankRow.id == bank), self._caller.theirs(BankRow)
        )
        with self._database.reading() as session:
            found = session.scalar(query.order_by(BankRow.id != bank).limit(1))
        if found is None:
            raise NotFound(
                f"there is no bank '{bank}': see `ted bank list`, or make it with `ted bank create`"
            )
        return found

    def list(self) -> list[dict[str, object]]:
        """All banks, oldest first, with how many active experiences each has."""
        active = (
            select(func.count())
            .where(ExperienceRow.bank_id == BankRow.id, ExperienceRow.status == "active")
            .scalar_subquery()
        )
        query = select(BankRow, active).where(self._caller.theirs(BankRow)).order_by(BankRow.id)
        with self._database.reading() as session:
            return [
                {
                    "id": row.id,
                    "name": row.name,
                    "revision": row.revision,
                    "experiences": count,
                    "max_experiences": row.max_experiences,
                    "created_at": row.created_at.isoformat(),
                }
                for row, count in session.execute(query)
            ]

    def delete(self, bank_id: str, *, even_while_running: bool = True) -> None:
        """The bank with everything in it. Raises Conflict where a job of it runs or waits and that is not allowed."""
        busy = select(JobRow.id).where(JobRow.bank_id == bank_id, JobRow.status.in_(("queued", "running")))
        with self._database.writing() as session:
            row = session.get(BankRow, bank_id)
            if row is None or not self._caller.has(row):
                return
            if not even_while_running and (job := session.scalar(busy.limit(1))):
                raise Conflict(f"bank '{row.name}' has the unfinished job {job}: let it finish first")
            session.delete(row)

    def _check_free(self, session: Session, name: str, but: str | None) -> None:
        """Names are a project's: those of banks that this caller does not see are taken, too."""
        taken = select(BankRow.id).where(BankRow.name == name, BankRow.project_id == self._caller.project_id)
        if session.scalar(taken) not in (None, but):
            raise Conflict(f"there is a bank '{name}' already: use it, or delete it with `ted bank delete`")


def _put(row: BankRow, settings: BankSettings) -> None:
    row.name, row.description, row.details = settings.name, settings.description, settings.metadata
    row.retrieval, row.trials = asdict(settings.retrieval), asdict(settings.trials)
    row.cascade = asdict(settings.cascade)
    row.max_experiences, row.max_tokens = settings.max_experiences, settings.max_tokens


def check_name(name: str) -> None:
    """Raises BadInput for what cannot name a bank."""
    if not name.strip() or len(name) > 100 or "@" in name:
        raise BadInput(f"{name!r} cannot name a bank: use 1 to 100 characters without '@'")


def check_may_make(caller: Caller) -> None:
    """Raises NotAllowed for who may use certain banks only: a new one would not be among them."""
    if caller.banks is not None:
        raise NotAllowed("this key is for certain banks: it cannot make another one")
