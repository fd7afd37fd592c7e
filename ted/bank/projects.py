"""Projects in the store: made, found, listed, renamed, and deleted while they are empty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from ted.bank.caller import DEFAULT_PROJECT
from ted.bank.database import Database
from ted.bank.key_tables import ApiKeyRow, SessionRow
from ted.bank.pages import Page, Paged, paged
from ted.bank.tables import Base, ImageRow, ProjectRow
from ted.errors import BadInput, Conflict, NotFound
from ted.ids import new_id


@dataclass(frozen=True, slots=True)
class Project:
    """Who owns banks, files, jobs and what is spent on them."""

    id: str
    name: str
    created_at: datetime


class ProjectStore:
    """Reads and writes projects; each method is one short transaction. Who may is for the caller to judge."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure_default(self) -> None:
        """The project that is there from the start."""
        with self._database.writing() as session:
            if session.get(ProjectRow, DEFAULT_PROJECT) is None:
                session.add(ProjectRow(id=DEFAULT_PROJECT, name="default"))

    def create(self, name: str) -> Project:
        """A new project. Raises BadInput for a name that cannot be used, Conflict for one that is taken."""
        _check_name(name)
        with self._database.writing() as session:
            _check_free(session, name, None)
            row = ProjectRow(id=new_id("proj"), name=name)
            session.add(row)
            session.flush()
            return _project(row)

    def find(self, project: str) -> Project:
        """The project of this id or name; an id goes before a name. Raises NotFound."""
        query = select(ProjectRow).where(or_(ProjectRow.id == project, ProjectRow.name == project))
        with self._database.reading() as session:
            row = session.scalar(query.order_by(ProjectRow.id != project).limit(1))
            if row is None:
                raise NotFound(f"there is no project '{project}'")
            return _project(row)

    def list(self, page: Page, *, only: str | None = None) -> Paged[Project]:
        """Projects by id; `only` the one of this id, if given."""
        query = select(ProjectRow)
        if only is not None:
            query = query.where(ProjectRow.id == only)
        with self._database.reading() as session:
            rows, more = paged(session, query, page, by=[ProjectRow.id])
            return Paged(tuple(_project(row) for (row,) in rows), more)

    def rename(self, project_id: str, name: str) -> Project:
        """Another name. Raises NotFound, and as `create`."""
        _check_name(name)
        with self._database.writing() as session:
            row = _row(session, project_id)
            _check_free(session, name, project_id)
            row.name = name
            return _project(row)

    def delete(self, project_id: str) -> None:
        """An empty project, and its revoked keys. Raises NotFound, Conflict while it has anything, or was charged."""
        if project_id == DEFAULT_PROJECT:
            raise Conflict("the default project stays: keys of it are the operator's")
        with self._database.writing() as session:
            row = _row(session, project_id)
            if held := _held(session, project_id):
                raise Conflict(
                    f"project '{row.name}' is not empty, there are {held}: delete or revoke them first"
                )
            for table in (ApiKeyRow, ImageRow):
                session.execute(delete(table).where(table.project_id == project_id))
            session.delete(row)


def _held(session: Session, project_id: str) -> str | None:
    """What kind of thing the project has; images alone are nobody's, a revoked key is none, and sessions are its key's."""
    alone = (ImageRow.__tablename__, SessionRow.__tablename__)
    for table in Base.metadata.sorted_tables:
        if table.name in alone or "project_id" not in table.columns:
            continue
        query = select(func.count()).select_from(table).where(table.c.project_id == project_id)
        if table.name == ApiKeyRow.__tablename__:
            query = query.where(table.c.revoked_at.is_(None))
        if session.scalar(query):
            return table.name.replace("_", " ")
    return None


def _row(session: Session, project_id: str) -> ProjectRow:
    row = session.get(ProjectRow, project_id)
    if row is None:
        raise NotFound(f"there is no project '{project_id}'")
    return row


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise BadInput(f"{name!r} cannot name a project: use 1 to 100 printable characters")


def _check_free(session: Session, name: str, but: str | None) -> None:
    """A name must not be another project's id either: either finds it."""
    taken = select(ProjectRow.id).where(or_(ProjectRow.name == name, ProjectRow.id == name))
    if session.scalar(taken) not in (None, but):
        raise Conflict(f"there is a project '{name}' already: give another name")


def _project(row: ProjectRow) -> Project:
    return Project(row.id, row.name, row.created_at)
