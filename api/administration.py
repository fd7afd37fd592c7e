"""Keys and projects as one administrator has them: those of their own project, the operator's are all."""

from __future__ import annotations

from dataclasses import dataclass

from api.scopes import Authority
from ted.bank.database import Database
from ted.bank.keys import KeyStore
from ted.bank.projects import Project, ProjectStore
from ted.errors import NotFound


@dataclass(frozen=True, slots=True)
class Administration:
    """What an administrator's request stands on. `only`: the project they are bound to; None for the operator."""

    keys: KeyStore
    projects: ProjectStore
    own: str
    only: str | None

    @staticmethod
    def of(authority: Authority, database: Database) -> Administration:
        """For who has this authority."""
        own = authority.caller.project_id
        only = None if authority.operates else own
        return Administration(KeyStore(database, only), ProjectStore(database), own, only)

    def project(self, named: str | None) -> Project:
        """The project of this id or name, by default their own. Raises NotFound for one that is not theirs to see."""
        found = self.projects.find(self.own if named is None else named)
        if self.only is not None and found.id != self.only:
            raise NotFound(f"there is no project '{named}'")
        return found
