"""`ted keys create|list|revoke` and `ted projects create|list`: on the data directory itself, without a server."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from ted.bank.keys import SCOPES, Key, KeySettings, KeyStore, Limits, Period, scopes_of
from ted.bank.pages import Page
from ted.bank.projects import ProjectStore
from ted.bank.tables import now
from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import AsJson
from ted.errors import BadInput

keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke keys of the service.")
projects = typer.Typer(no_args_is_help=True, help="Make and list projects.")

ProjectName = Annotated[str | None, typer.Option(help="Another project, by id or name [TED_PROJECT].")]
_SPAN = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@keys.command("create")
@exit_on_errors
def create(
    scopes: Annotated[
        str, typer.Option(help=f"What it is for, of {', '.join(SCOPES)}; with commas between.")
    ],
    banks: Annotated[str | None, typer.Option(help="Only these banks, with commas between.")] = None,
    project: ProjectName = None,
    name: Annotated[str, typer.Option(help="What it is called.")] = "",
    expires: Annotated[str | None, typer.Option(help="After 30m, 12h, 30d or 4w.")] = None,
    rpm: Annotated[int | None, typer.Option(help="At most so many requests a minute.")] = None,
    tpm: Annotated[int | None, typer.Option(help="At most so many tokens of answers a minute.")] = None,
    budget_usd: Annotated[float | None, typer.Option(help="At most so many US dollars.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(help="At most so many tokens.")] = None,
    budget_calls: Annotated[int | None, typer.Option(help="At most so many calls.")] = None,
    monthly: Annotated[
        bool, typer.Option("--monthly", help="The budget is for each calendar month.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Make a key; it is shown this once."""
    period: Period = "month" if monthly else "total"
    settings = KeySettings(
        name,
        scopes_of(_listed(scopes)),
        None if banks is None else _listed(banks),
        Limits(rpm, tpm, budget_usd, budget_tokens, budget_calls, period),
        None if expires is None else now() + _span(expires),
    )
    with opened() as ted:
        own = ted.caller.project_id if project is None else ProjectStore(ted.database).find(project).id
        key, secret = KeyStore(ted.database, None).create(settings, project_id=own)
    if json:
        output.emit({"key": secret, **_row(key)}, "", True)
        return
    typer.echo(secret)
    typer.echo(f"This is key {key.id}. Keep it now: it is shown this once, and kept nowhere.", err=True)


@keys.command("list")
@exit_on_errors
def list_keys(project: ProjectName = None, json: AsJson = False) -> None:
    """The keys of a project, revoked ones too."""
    with opened() as ted:
        own = ted.caller.project_id if project is None else ProjectStore(ted.database).find(project).id
        found = KeyStore(ted.database, own).list(Page(limit=10_000))
        rows = [_row(key) for key in found.data]
        output.emit(rows, output.table("Keys", rows), json)


@keys.command("revoke")
@exit_on_errors
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY_ID", help="A key's id.")], json: AsJson = False
) -> None:
    """End a key for good; a running server takes it for a second more at most."""
    with opened() as ted:
        revoked = KeyStore(ted.database, None).revoke(key)
        output.emit(_row(revoked), f"Revoked key {revoked.id}.", json)


@projects.command("create")
@exit_on_errors
def create_project(name: str, json: AsJson = False) -> None:
    """Make an empty project."""
    with opened() as ted:
        made = ProjectStore(ted.database).create(name)
        output.emit({"id": made.id, "name": made.name}, f"Made project '{made.name}' ({made.id}).", json)


@projects.command("list")
@exit_on_errors
def list_projects(json: AsJson = False) -> None:
    """All projects."""
    with opened() as ted:
        found = ProjectStore(ted.database).list(Page(limit=10_000))
        rows: list[dict[str, object]] = [
            {"id": p.id, "name": p.name, "created_at": p.created_at.isoformat(timespec="seconds")}
            for p in found.data
        ]
        output.emit(rows, output.table("Projects", rows), json)


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _span(told: str) -> timedelta:
    """Raises BadInput."""
    if not (match := _SPAN.fullmatch(told)):
        raise BadInput(
            f"--expires is '{told}': give a number of minutes, hours, days or weeks, as 30m, 12h, 30d, 4w"
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _row(key: Key) -> dict[str, object]:
    settings = key.settings
    return {
        "id": key.id,
        "name": settings.name,
        "prefix": key.prefix,
        "scopes": ",".join(settings.scopes),
        "banks": "all" if settings.banks is None else ",".join(settings.banks),
        "expires_at": None
        if settings.expires_at is None
        else settings.expires_at.isoformat(timespec="seconds"),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(timespec="seconds"),
    }
