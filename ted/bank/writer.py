"""Makes changes of a bank in the caller's transaction; what is noted of them is ted/bank/revision's affair.

Vectors are made before, the index follows after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from sqlalchemy.orm import Session

from ted.bank.changes import (
    AddKeys,
    Applied,
    Change,
    Edit,
    HoldBack,
    Judge,
    Occasion,
    Review,
    RollBack,
    SetPinned,
    SetStatus,
    Unmerge,
)
from ted.bank.holding import CHANGEABLE, by_hand, held_back, quarantine_of, reviewed, written_for
from ted.bank.inheriting import inheriting
from ted.bank.restoring import check_may_roll_back, keep_apart, parents_of, restore
from ted.bank.revision import Revision
from ted.bank.rows import add_keys, replace_wording_key, set_keys, tag_of
from ted.bank.tables import BankRow, CounterRow, ExperienceRow, LineageRow
from ted.bank.unvouched import unlabelled_among
from ted.errors import ChangedMeanwhile, Conflict
from ted.experience import Status
from ted.ids import new_id
from ted.operations import Add, Merge, Remove, Rewrite


class Writer:
    """Applies changes to one bank inside the caller's write transaction. Not used twice."""

    def __init__(self, session: Session, bank: BankRow, base_revision: int) -> None:
        self._session, self._bank, self._base = session, bank, base_revision
        self._at = Revision(session, bank, base_revision)

    def apply(
        self, changes: Sequence[Change], occasion: Occasion, notes: Mapping[str, Any] | None = None
    ) -> Applied:
        """Makes the changes in order; one that touches an experience changed since the base revision is skipped."""
        for change in changes:
            self._apply_one(self._inheriting(change))
        return self._at.close(occasion, notes or {})

    def _inheriting(self, change: Change) -> Change:
        """A text made of others', from no sample of its own, has no better references than they."""
        operation = change.operation
        if change.provenance.get("sample") or not isinstance(operation, Rewrite | Merge):
            return change
        made_of = operation.experience_ids if isinstance(operation, Merge) else (operation.experience_id,)
        if len(unlabelled_among(self._session, made_of)) < len(set(made_of)):
            return change
        return replace(change, provenance=change.provenance | {"unlabelled": True})

    def _apply_one(self, change: Change) -> None:
        operation = change.operation
        match operation:
            case Add(when_to_use, content):
                made = self._create(change, when_to_use, content)
                self._at.count("add" if made.status == "active" else made.status)
            case Judge(experience_id, version):
                row = self._at.changeable("judge", experience_id, change)
                if row and (row.version, row.status) != (version, "candidate"):
                    self._at.skip("judge", experience_id, "it is not the candidate that was tried", change)
                elif row:
                    row.status, row.gate = operation.status, operation.gate
                    self._at.changed(row, "judge", change)
            case Rewrite(experience_id, when_to_use, content):
                row = self._at.changeable("rewrite", experience_id, change)
                if row and held_back(change):
                    self._hold_back(change, when_to_use, content, [row])
                elif row:
                    row.version += 1
                    row.when_to_use, row.content = when_to_use, content
                    replace_wording_key(self._session, row)
                    add_keys(self._session, row, change.keys)
                    row.gate = change.gate
                    self._at.restart_counters(row)
                    self._at.changed(row, "rewrite", change)
            case Merge():
                self._merge(operation, change)
            case Remove(experience_id):
                if row := self._at.changeable("remove", experience_id, change):
                    row.status = "retired"
                    self._at.changed(row, "remove", change)
            case SetStatus(experience_id, status):
                if row := self._at.row("status", experience_id, change):
                    self._set_status(row, status)
                    self._at.changed(row, "status", change)
            case SetPinned(experience_id, pinned):
                if row := self._at.row("pin", experience_id, change):
                    row.pinned = pinned
                    self._at.changed(row, "pin", change)
            case AddKeys(experience_id):
                row = self._at.row("key", experience_id, change)
                if row and row.status not in CHANGEABLE:
                    self._at.skip("key", experience_id, f"its status is {row.status}", change)
                elif row and add_keys(self._session, row, change.keys):
                    self._at.changed(row, "key", change)
            case Edit(experience_id):
                if row := self._at.row("edit", experience_id, change):
                    self._edit(row, operation)
                    self._at.changed(row, "edit", change)
            case HoldBack(experience_id, found):
                if row := self._at.row("quarantine", experience_id, change):
                    row.status, row.quarantine = "quarantined", found
                    self._at.changed(row, "quarantine", change)
            case Review(experience_id, accepted):
                if row := self._at.row("review", experience_id, change):
                    self._review(row, change, accepted=accepted)
            case Unmerge(experience_id):
                if row := self._at.row("unmerge", experience_id, change):
                    self._unmerge(row, change)
            case RollBack(states, by_job):
                check_may_roll_back(self._session, self._bank, base=self._base, by_job=by_job)
                for state in states:
                    if row := self._at.row("rollback", state.experience_id, change):
                        done = restore(self._session, row, state)
                        if done.rewritten:
                            self._at.restart_counters(row)
                        if done.changed:
                            self._at.changed(row, "rollback", change)
            case _:
                assert_never(operation)

    def _merge(self, operation: Merge, change: Change) -> None:
        ids = operation.experience_ids
        if len(set(ids)) != len(ids) or len(ids) < 2:
            self._at.skip("merge", ", ".join(ids), "a merge needs two or more different experiences", change)
            return
        parents = [self._at.changeable("merge", i, change) for i in ids]
        if not all(parents):
            return
        merged = [parent for parent in parents if parent]
        if held_back(change):
            self._hold_back(change, operation.when_to_use, operation.content, merged)
            return
        told = inheriting(self._session, change, merged)
        self._retire_into(self._create(told, operation.when_to_use, operation.content), merged, change)
        self._at.count("merge")

    def _retire_into(self, child: ExperienceRow, parents: Sequence[ExperienceRow], change: Change) -> None:
        for parent in parents:
            parent.status = "retired"
            self._at.changed(parent, "merged", change, counted=False)
            self._session.add(LineageRow(child_id=child.id, parent_id=parent.id, project_id=child.project_id))

    def _hold_back(
        self, change: Change, when_to_use: str, content: str, instead_of: Sequence[ExperienceRow]
    ) -> None:
        """Kept as an experience of its own that nobody is shown; what is there stays as it is."""
        self._create(change, when_to_use, content, instead_of=instead_of)
        self._at.count("quarantined")

    def _review(self, row: ExperienceRow, change: Change, *, accepted: bool) -> None:
        """Accepted, it takes the place of what it was written for, as far as that is still what it was."""
        if row.status != "quarantined":
            raise Conflict(f"{row.id} is {row.status}: only what is quarantined is reviewed")
        self._set_status(row, "active" if accepted else "rejected")
        row.quarantine = row.quarantine or by_hand(accepted=accepted)
        replaced = written_for(self._session, row) if accepted else []
        told = inheriting(self._session, change, replaced) if len(replaced) > 1 else change
        self._at.changed(row, "accept" if accepted else "reject", told)
        self._retire_into(row, replaced, change)
        if len(replaced) > 1:
            self._at.restart_counters(row)

    def _set_status(self, row: ExperienceRow, status: Status) -> None:
        """What an operator lets be served, or rejects out of quarantine, is reviewed by that."""
        if status in CHANGEABLE or (row.status == "quarantined" and status == "rejected"):
            row.quarantine = reviewed(row, accepted=status != "rejected")
        row.status = status

    def _unmerge(self, row: ExperienceRow, change: Change) -> None:
        restored = parents_of(self._session, self._bank, row)
        row.status = "retired"
        self._at.changed(row, "unmerge", change)
        for parent, status in restored:
            if parent.status != status:
                parent.status = status
                self._at.changed(parent, "unmerged", change, counted=False)
        keep_apart(self._session, self._bank, [parent for parent, _ in restored])

    def _edit(self, row: ExperienceRow, edit: Edit) -> None:
        if edit.only_if is not None and (tag := tag_of(row)) not in edit.only_if:
            raise ChangedMeanwhile(
                f"{row.id} is at {tag}, which is not what you last saw: read it again, then change it"
            )
        when_to_use, content = edit.when_to_use or row.when_to_use, edit.content or row.content
        if (when_to_use, content) != (row.when_to_use, row.content):
            row.version += 1
            moved = when_to_use != row.when_to_use
            row.when_to_use, row.content = when_to_use, content
            if moved:
                replace_wording_key(self._session, row)
            row.gate = None
            self._at.restart_counters(row)
            if row.status in CHANGEABLE and held_back(Change(Add(when_to_use, content))):
                row.quarantine = reviewed(row, accepted=True)  # a hand wrote it on purpose
        if edit.status is not None:
            self._set_status(row, edit.status)
        row.pinned = row.pinned if edit.pinned is None else edit.pinned
        row.tags = row.tags if edit.tags is None else list(edit.tags)

    def _create(
        self, change: Change, when_to_use: str, content: str, *, instead_of: Sequence[ExperienceRow] = ()
    ) -> ExperienceRow:
        """A new experience; one whose text gives the model orders is held back, wherever it comes from."""
        found = held_back(change)
        row = ExperienceRow(
            id=new_id("exp"),
            project_id=self._bank.project_id,
            bank_id=self._bank.id,
            version=1,
            when_to_use=when_to_use,
            content=content,
            status="quarantined" if found and change.status in CHANGEABLE else change.status,
            gate=change.gate,
            quarantine=quarantine_of(found, instead_of=instead_of) if found else None,
            tags=list(change.tags),
            student=change.provenance.get("student"),
            teacher=change.provenance.get("teacher"),
            created_revision=self._at.number,
            updated_revision=self._at.number,
        )
        self._session.add(row)
        self._session.flush()
        set_keys(self._session, row, change.keys)
        self._session.add(
            CounterRow(
                experience_id=row.id,
                project_id=row.project_id,
                bank_id=row.bank_id,
                inherited=change.provenance.get("inherited"),
            )
        )
        self._at.record(row, "quarantine" if found else type(change.operation).__name__.lower(), change)
        return row
