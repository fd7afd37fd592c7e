"""`ted bank versions|name-version|diff|rollback|unmerge`: revisions named, compared and gone back to, merges undone."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from ted.bank.changes import Change, Occasion, Unmerge
from ted.bank.differences import Difference
from ted.bank.pages import Page
from ted.bank.states import State
from ted.bank.versions import Version, VersionStore, roll_back
from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import AsJson, BankName

BY_HAND = {"by": "command"}


@exit_on_errors
def versions(bank: BankName, json: AsJson = False) -> None:
    """The named revisions of a bank."""
    with opened() as ted:
        rows = [asdict(v) for v in _all(VersionStore(ted.database), ted.banks.find(bank))]
        output.emit(rows, output.table("Versions", rows), json)


def _all(store: VersionStore, bank_id: str) -> list[Version]:
    found: list[Version] = []
    while True:
        page = store.list(bank_id, Page(100, after=found[-1].id if found else None))
        found += page.data
        if not page.has_more:
            return found


@exit_on_errors
def name_version(
    bank: BankName,
    name: str,
    revision: Annotated[int | None, typer.Option(help="Which; left out: the present one.")] = None,
    json: AsJson = False,
) -> None:
    """Give a revision a name, for good."""
    with opened() as ted:
        made = VersionStore(ted.database).name(ted.banks.find(bank), name, revision)
        output.emit(asdict(made), f"Revision {made.revision} of bank '{bank}' is '{made.name}'.", json)


@exit_on_errors
def diff(
    bank: BankName,
    before: Annotated[str, typer.Argument(metavar="FROM", help="A revision's number, or its name.")],
    after: Annotated[
        str | None, typer.Argument(metavar="TO", help="Likewise; left out: the present.")
    ] = None,
    json: AsJson = False,
) -> None:
    """What differs from one revision to another."""
    with opened() as ted:
        found = VersionStore(ted.database).compare(ted.banks.find(bank), before, after)
        head = f"From revision {found.from_revision} to {found.to_revision}:"
        output.emit(asdict(found), "\n".join([head, *_told(found.difference)]), json)


@exit_on_errors
def rollback(
    bank: BankName,
    to: Annotated[str, typer.Argument(metavar="TO", help="A revision's number, or its name.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would change, change nothing.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Make all experiences what they were at a revision, by a new one; nothing is deleted."""
    with opened() as ted:
        done = asyncio.run(roll_back(ted.bank(bank), to, dry_run=dry_run, provenance=BY_HAND))
        head = (
            f"Bank '{bank}' is at revision {done.revision}, as it was at {done.to_revision}:"
            if done.revision is not None
            else f"Going back to revision {done.to_revision} would change this; nothing was changed:"
        )
        lines = [head, *_told(done.difference)]
        lines += [f"  not all of {i} was kept then: the rest stays as it is" for i in done.unknown]
        lines += [f"  {done.problem}"] if done.problem else []
        output.emit(asdict(done), "\n".join(lines), json)


@exit_on_errors
def unmerge(
    bank: BankName,
    experience: Annotated[str, typer.Argument(metavar="EXP", help="The id of a merged experience.")],
    json: AsJson = False,
) -> None:
    """Retire a merged experience and restore its parents; no compression merges those again."""
    with opened() as ted:
        found = ted.bank(bank)
        found.experience(experience)
        change = Change(Unmerge(experience), provenance=BY_HAND)
        done = asyncio.run(found.apply([change], Occasion("unmerge")))
        restored = VersionStore(ted.database).compare(found.id, done.revision - 1, done.revision).difference
        ids = [state.experience_id for state in restored.restored]
        told = f"Retired {experience}, restored {', '.join(ids) or 'nothing: its parents were there'}."
        output.emit({"revision": done.revision, "retired": experience, "restored": ids}, told, json)


def _told(difference: Difference) -> list[str]:
    lines = [f"  + {_text(s)}" for s in difference.added]
    lines += [f"  - {_text(s)}" for s in difference.removed]
    lines += [f"  + (restored) {_text(s)}" for s in difference.restored]
    for pair in difference.rewritten:
        lines += [f"  ~ {_text(pair.before)}", f"    now: {pair.after.when_to_use} {pair.after.content}"]
    lines += [
        f"  ~ {p.before.experience_id}: {p.before.status}, now {p.after.status}"
        for p in difference.status_changed
    ]
    lines += [
        f"  ~ {k.experience_id}: {len(k.gained)} keys more, {len(k.lost)} fewer"
        for k in difference.keys_changed
    ]
    lines += [
        f"  ~ {p.before.experience_id}: pinned {p.after.pinned}, tags {', '.join(p.after.tags or ()) or 'none'}"
        for p in difference.pin_or_tags_changed
    ]
    return lines or ["  nothing differs"]


def _text(state: State) -> str:
    return f"{state.experience_id}: {state.when_to_use} {state.content}"
