"""Brings experiences back to earlier states, and undoes merges, in the caller's transaction. History is the writer's."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ted.bank.holding import SERVED, held_again, may_be_served
from ted.bank.job_tables import RefusalRow
from ted.bank.jobs import unfinished_writer
from ted.bank.rows import keys_of, put_keys, replace_wording_key, status_of
from ted.bank.states import State
from ted.bank.tables import BankRow, ExperienceRow, HistoryRow, KeyRow, LineageRow
from ted.errors import Conflict
from ted.experience import Status
from ted.tokens import estimated_tokens

UNMERGED = "unmerged"
"""What a refusal says of experiences whose merge somebody undid: they are not to be merged again."""


def check_may_roll_back(session: Session, bank: BankRow, *, base: int, by_job: str | None = None) -> None:
    """Raises Conflict while another job writes the bank, waits to or rests, and where the bank is past its base revision."""
    job = unfinished_writer(session, bank.id)
    if job is not None and job.id != by_job:
        raise Conflict(
            f"bank '{bank.name}' has the unfinished {job.kind} {job.id} ({job.status}), which goes by what the bank "
            "holds: let it finish or cancel it first"
        )
    if bank.revision != base:
        raise Conflict(
            f"bank '{bank.name}' went from revision {base} to {bank.revision} meanwhile: look again, then roll back"
        )


@dataclass(frozen=True, slots=True)
class Restored:
    """Whether anything of an experience was brought back, and whether another text was."""

    changed: bool
    rewritten: bool


def restore(session: Session, row: ExperienceRow, state: State) -> Restored:
    """Text, status, pin, tags and keys as in the state; what that does not know stays. Another text is a new version.

    A text that gives the model orders is not served again unless somebody accepted it: it may have come with a file.
    """
    found = may_be_served(row, state.when_to_use, state.content) if state.status in SERVED else None
    before = (row.status, row.pinned, list(row.tags))
    rewritten = (row.when_to_use, row.content) != (state.when_to_use, state.content)
    if rewritten:
        row.version += 1
        row.when_to_use, row.content = state.when_to_use, state.content
    other_keys = state.keys is not None and state.keys != keys_of(session, row.id)
    if state.keys is not None and other_keys:
        session.execute(delete(KeyRow).where(KeyRow.experience_id == row.id))
        put_keys(session, row, state.keys)
    elif rewritten and state.keys is None:
        replace_wording_key(session, row)
    row.status = "quarantined" if found else state.status
    row.quarantine = held_again(row, found) if found else row.quarantine
    row.pinned = row.pinned if state.pinned is None else state.pinned
    row.tags = row.tags if state.tags is None else list(state.tags)
    changed = rewritten or other_keys or before != (row.status, row.pinned, list(row.tags))
    return Restored(changed, rewritten)


def parents_of(session: Session, bank: BankRow, child: ExperienceRow) -> list[tuple[ExperienceRow, Status]]:
    """The parents of a merge that may be undone, each with the status it is to have again.

    Raises Conflict where it may not: there was no merge, it or a parent went another way since, or there is no room.
    """
    query = select(ExperienceRow).join(LineageRow, LineageRow.parent_id == ExperienceRow.id)
    parents = session.scalars(query.where(LineageRow.child_id == child.id).order_by(ExperienceRow.id)).all()
    if not parents:
        raise Conflict(f"{child.id} is no merge: it has no parents that could be restored")
    if child.status not in SERVED:
        on = _merged_on(session, child.id, after=child.created_revision)
        why = f"unmerge {on} first" if on else "make it active first, or restore its parents one by one"
        raise Conflict(
            f"{child.id} is {child.status}" + (f", merged on into {on}: {why}" if on else f": {why}")
        )
    restored = [(parent, _status_again(session, child, parent)) for parent in parents]
    _check_room(session, bank, child, restored)
    return restored


def keep_apart(session: Session, bank: BankRow, parents: list[ExperienceRow]) -> None:
    """Remembered, so that no compression merges them again while their texts stay."""
    cluster = ",".join(sorted(f"{parent.id}:{parent.version}" for parent in parents))
    known = session.get(RefusalRow, (bank.id, cluster))
    if known is not None:
        known.answer = UNMERGED
    else:
        session.add(RefusalRow(bank_id=bank.id, cluster=cluster, project_id=bank.project_id, answer=UNMERGED))


def _status_again(session: Session, child: ExperienceRow, parent: ExperienceRow) -> Status:
    if parent.status in SERVED:
        return status_of(parent.status)
    if parent.status != "retired":
        raise Conflict(f"its parent {parent.id} is {parent.status}: set its status first")
    if on := _merged_on(session, parent.id, after=child.created_revision):
        raise Conflict(f"its parent {parent.id} has gone on into another merge, {on}: unmerge that one first")
    h = HistoryRow
    before = (
        select(h.status)
        .where(h.experience_id == parent.id, h.revision < child.created_revision)
        .order_by(h.id.desc())
        .limit(1)
    )
    return status_of(session.scalar(before) or "active")


def _merged_on(session: Session, experience_id: str, *, after: int) -> str | None:
    """What it was merged into after that revision, if that stands."""
    return session.scalar(
        select(ExperienceRow.id)
        .join(LineageRow, LineageRow.child_id == ExperienceRow.id)
        .where(
            LineageRow.parent_id == experience_id,
            ExperienceRow.created_revision > after,
            ExperienceRow.status.in_(SERVED),
        )
        .order_by(ExperienceRow.id.desc())
        .limit(1)
    )


def _check_room(
    session: Session,
    bank: BankRow,
    child: ExperienceRow,
    restored: list[tuple[ExperienceRow, Status]],
) -> None:
    query = select(ExperienceRow).where(ExperienceRow.bank_id == bank.id, ExperienceRow.status == "active")
    after = {row.id: row for row in session.scalars(query) if row.id != child.id}
    after |= {parent.id: parent for parent, status in restored if status == "active"}
    tokens = sum(estimated_tokens(f"{row.when_to_use}\n{row.content}") for row in after.values())
    if len(after) > bank.max_experiences or tokens > bank.max_tokens:
        raise Conflict(
            f"bank '{bank.name}' would have {len(after)} experiences and {tokens} tokens, beyond its bound of "
            f"{bank.max_experiences} and {bank.max_tokens}: raise its capacity, or retire others first"
        )
