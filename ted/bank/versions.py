"""Versions of a bank: revisions that have a name, what differs between two, and going back to one by a new revision."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ted.bank.bank import Bank
from ted.bank.changes import Change, Occasion, RollBack
from ted.bank.database import Database
from ted.bank.differences import Difference, difference
from ted.bank.pages import Page, Paged, paged
from ted.bank.retriever import bank_row
from ted.bank.states import State, states_at
from ted.bank.tables import BankRow, ExperienceRow, HistoryRow, LineageRow, RevisionRow, VersionRow
from ted.errors import BadInput, Conflict, NotFound
from ted.experience import Key
from ted.tokens import estimated_tokens

REASON = "rollback"
LONGEST_NAME = 100
TRIES = 5
"""How often something is undone anew where somebody changed the bank meanwhile."""


@dataclass(frozen=True, slots=True)
class Version:
    """A named revision, and how many active experiences it had."""

    id: str
    name: str
    revision: int
    active: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs from one revision to another; `parents` and `children` by experience: of merges, as they stand now."""

    from_revision: int
    to_revision: int
    difference: Difference
    parents: dict[str, tuple[str, ...]]
    children: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What going back changed, or in a dry run would change; then there is no new revision.

    `unknown`: experiences of which that revision did not keep all, so that the rest of it stays as it is now. `problem`:
    what is beyond the bank's bound; the next compression will hold it.
    """

    to_revision: int
    revision: int | None
    difference: Difference
    unknown: tuple[str, ...]
    problem: str | None


class VersionStore:
    """Names and compares revisions of banks; each method is one short transaction. Whose a bank is was asked before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def name(self, bank_id: str, name: str, revision: int | None = None) -> Version:
        """A name for a revision, by default the present one. Raises BadInput, NotFound, Conflict where it is taken."""
        check_version_name(name)
        with self._database.writing() as session:
            bank = bank_row(session, bank_id)
            number = _known(bank, bank.revision if revision is None else revision)
            taken = session.scalar(
                select(VersionRow).where(VersionRow.bank_id == bank_id, VersionRow.name == name)
            )
            if taken is not None:
                raise Conflict(
                    f"bank '{bank.name}' has a version '{name}' already, revision {taken.revision}: "
                    "a name stays with its revision, take another one"
                )
            row = VersionRow(project_id=bank.project_id, bank_id=bank_id, name=name, revision=number)
            session.add(row)
            session.flush()
            return _version(row, session.scalar(_active(bank_id, number)))

    def list(self, bank_id: str, page: Page) -> Paged[Version]:
        """The named revisions, in the order in which they were named."""
        active = (
            select(RevisionRow.active)
            .where(RevisionRow.bank_id == VersionRow.bank_id, RevisionRow.revision == VersionRow.revision)
            .scalar_subquery()
        )
        query = select(VersionRow, active).where(VersionRow.bank_id == bank_id)
        with self._database.reading() as session:
            rows, more = paged(session, query, page, by=[VersionRow.id], decode=_number)
            return Paged(tuple(_version(row, count) for row, count in rows), more)

    def find(self, bank_id: str, version: int | str) -> int:
        """The revision of that number or name. Raises NotFound."""
        with self._database.reading() as session:
            return _found(session, bank_row(session, bank_id), version)

    def compare(self, bank_id: str, before: int | str, after: int | str | None = None) -> Compared:
        """What differs from one revision to another, by default to the present one. Raises NotFound."""
        with self._database.reading() as session:
            bank = bank_row(session, bank_id)
            one = _found(session, bank, before)
            other = bank.revision if after is None else _found(session, bank, after)
            found = difference(states_at(session, bank_id, one), states_at(session, bank_id, other))
            parents: dict[str, tuple[str, ...]] = {}
            children: dict[str, tuple[str, ...]] = {}
            for line in session.scalars(_lineage(bank_id)):
                parents[line.child_id] = (*parents.get(line.child_id, ()), line.parent_id)
                children[line.parent_id] = (*children.get(line.parent_id, ()), line.child_id)
            return Compared(one, other, found, parents, children)


async def roll_back(
    bank: Bank, to: int | str, *, dry_run: bool = False, provenance: dict[str, Any] | None = None
) -> RolledBack:
    """A new revision in which all experiences are as they were at that one; those made since are retired.

    Nothing is deleted: ids stay, and an old text comes back as a new version, with its evidence. Settings of the bank
    stay as they are. Raises NotFound, and Conflict while a job writes the bank, waits to or rests.
    """
    planned = await asyncio.to_thread(_plan, bank, to)
    if dry_run:
        return planned.told
    keys = tuple(dict.fromkeys(key for state in planned.states for key in _keys(state)))
    number = planned.told.to_revision
    change = Change(RollBack(planned.states), keys, provenance=(provenance or {}) | {"to_revision": number})
    applied = await bank.apply(
        [change], Occasion(REASON), base_revision=planned.base, notes={"to_revision": number}
    )
    return replace(planned.told, revision=applied.revision)


async def undo(bank: Bank, done: Sequence[Occasion], occasion: Occasion) -> tuple[str, ...]:
    """Takes back, once, what a job changed on these occasions, in a revision of its own; all else stays.

    What was made then is retired, but for what waits for a review. Gives the ids of what somebody changed since: that
    stays as it is.
    """
    for left in reversed(range(TRIES)):
        if report := await asyncio.to_thread(bank.report_of, occasion):
            return tuple(report["kept"])
        base, states, kept = await asyncio.to_thread(_states_before, bank, done)
        keys = tuple(dict.fromkeys(key for state in states for key in _keys(state)))
        change = Change(RollBack(states, occasion.job_id), keys, provenance={"job": occasion.job_id})
        try:
            await bank.apply([change], occasion, base_revision=base, notes={"kept": list(kept)})
        except Conflict:  # somebody was quicker: look again
            if not left:
                raise
            continue
        return kept
    raise AssertionError("the loop returns or raises")


def _states_before(bank: Bank, done: Sequence[Occasion]) -> tuple[int, tuple[State, ...], tuple[str, ...]]:
    """The bank's revision; the states that the experiences touched had before; and those changed since."""
    reports = [report for occasion in done if (report := bank.report_of(occasion))]
    revisions = sorted(report["revision"] for report in reports)
    with bank.database.reading() as session:
        row = bank_row(session, bank.id)
        touched = session.scalars(
            select(ExperienceRow)
            .where(ExperienceRow.bank_id == bank.id, ExperienceRow.status != "quarantined")
            .where(
                ExperienceRow.id.in_(
                    select(HistoryRow.experience_id).where(HistoryRow.revision.in_(revisions))
                )
            )
            .order_by(ExperienceRow.id)
        ).all()
        then = states_at(session, bank.id, revisions[0] - 1) if revisions else {}
        now = states_at(session, bank.id, row.revision)
        ours = [e.id for e in touched if e.updated_revision in revisions]
        kept = tuple(e.id for e in touched if e.updated_revision not in revisions)
        states = tuple(then[i] if i in then else replace(now[i], status="retired") for i in ours)
        return row.revision, states, kept


@dataclass(frozen=True, slots=True)
class _Plan:
    base: int
    states: tuple[State, ...]
    told: RolledBack


def _plan(bank: Bank, to: int | str) -> _Plan:
    with bank.database.reading() as session:
        row = bank_row(session, bank.id)
        number = _found(session, row, to)
        now, then = states_at(session, bank.id, row.revision), states_at(session, bank.id, number)
        made_since = [replace(s, status="retired") for i, s in now.items() if i not in then]
        target = {**then, **{state.experience_id: state for state in made_since}}
        changed = tuple(state for i, state in target.items() if not _same(state, now[i]))
        unknown = tuple(i for i, state in then.items() if not state.is_whole)
        told = RolledBack(number, None, difference(now, target), unknown, _problem(row, target))
        return _Plan(row.revision, changed, told)


def _same(wanted: State, there: State) -> bool:
    """Whether what is known of the one is so already; with which version number does not matter."""
    known = replace(
        wanted,
        version=there.version,
        pinned=there.pinned if wanted.pinned is None else wanted.pinned,
        tags=there.tags if wanted.tags is None else wanted.tags,
        keys=there.keys if wanted.keys is None else wanted.keys,
    )
    return known == there


def _keys(state: State) -> tuple[Key, ...]:
    return (Key("when_to_use", state.when_to_use), *(state.keys or ()))


def _problem(bank: BankRow, states: dict[str, State]) -> str | None:
    active = [s for s in states.values() if s.status == "active"]
    tokens = sum(estimated_tokens(f"{s.when_to_use}\n{s.content}") for s in active)
    if len(active) <= bank.max_experiences and tokens <= bank.max_tokens:
        return None
    return (
        f"{len(active)} experiences and {tokens} tokens are beyond the bank's bound of {bank.max_experiences} and "
        f"{bank.max_tokens}: raise its capacity, or the next compression retires the least useful"
    )


def check_version_name(name: str) -> None:
    """Raises BadInput for what cannot name a version: a number would be a revision."""
    if not name.strip() or len(name) > LONGEST_NAME or name.strip().lstrip("-").isdigit():
        raise BadInput(f"{name!r} cannot name a version: use 1 to {LONGEST_NAME} characters, not only digits")


def _found(session: Session, bank: BankRow, version: int | str) -> int:
    if isinstance(version, str) and version.isascii() and version.isdigit() and len(version) < 18:
        version = int(version)
    if isinstance(version, int):
        return _known(bank, version)
    number = session.scalar(
        select(VersionRow.revision).where(VersionRow.bank_id == bank.id, VersionRow.name == version)
    )
    if number is None:
        raise NotFound(f"bank '{bank.name}' has no version '{version}': see `ted bank versions {bank.name}`")
    return number


def _known(bank: BankRow, revision: int) -> int:
    if not 0 <= revision <= bank.revision:
        raise NotFound(f"bank '{bank.name}' has no revision {revision}: it has 0 to {bank.revision}")
    return revision


def _active(bank_id: str, revision: int) -> Any:
    return select(RevisionRow.active).where(RevisionRow.bank_id == bank_id, RevisionRow.revision == revision)


def _lineage(bank_id: str) -> Any:
    return (
        select(LineageRow)
        .join(ExperienceRow, ExperienceRow.id == LineageRow.child_id)
        .where(ExperienceRow.bank_id == bank_id)
        .order_by(LineageRow.child_id, LineageRow.parent_id)
    )


def _version(row: VersionRow, active: int | None) -> Version:
    return Version(str(row.id), row.name, row.revision, active or 0, row.created_at)


def _number(cursor: str) -> tuple[int]:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise BadInput(f"{cursor!r} is no cursor of this list: give the first_id or last_id of a page")
    return (int(cursor),)
