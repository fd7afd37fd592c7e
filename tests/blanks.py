"""Stores with the schema and nothing in it, made once a session and copied for each test: a file, or a database."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import make_url

from migrations.upgrade import upgrade
from ted.bank.database import Database
from ted.bank.projects import ProjectStore
from tests.postgres import PostgresServer


class Blank(Protocol):
    """What tests make their stores of."""

    def copy(self, folder: Path, name: str = "ted.sqlite") -> str:
        """The URL of a new store; a file is made in the folder under that name."""
        ...

    def settings(self, folder: Path) -> dict[str, Any]:
        """What tells an installation with this data directory to work on a new store."""
        ...

    def drop(self, url: str) -> None:
        """The store is not needed any more."""
        ...

    def drop_all(self) -> None:
        """None of them is."""
        ...


class BlankFile:
    """A file of SQLite."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @staticmethod
    def made(folder: Path) -> BlankFile:
        file = folder / "ted.sqlite"
        _fill(f"sqlite:///{file}")
        return BlankFile(file)

    def copy(self, folder: Path, name: str = "ted.sqlite") -> str:
        return f"sqlite:///{shutil.copy(self._file, folder / name)}"

    def settings(self, folder: Path) -> dict[str, Any]:
        self.copy(folder)
        return {}

    def drop(self, url: str) -> None:
        """It goes with its folder."""

    def drop_all(self) -> None:
        """They go with their folders."""


class BlankDatabase:
    """A database of PostgreSQL."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server, self._template = server, template
        self._there = {template}

    @staticmethod
    def made(server: PostgresServer) -> BlankDatabase:
        template = server.new()
        _fill(server.url(template, driver="psycopg"))
        return BlankDatabase(server, template)

    def copy(self, folder: Path, name: str = "ted.sqlite") -> str:
        made = self._server.new(self._template)
        self._there.add(made)
        return self._server.url(made, driver="psycopg")

    def settings(self, folder: Path) -> dict[str, Any]:
        return {"database_url": self.copy(folder)}

    def drop(self, url: str) -> None:
        made = make_url(url).database or ""
        self._there.discard(made)
        self._server.drop(made)

    def drop_all(self) -> None:
        for name in list(self._there):
            self._server.drop(name)


def _fill(url: str) -> None:
    database = Database(url)
    upgrade(database.engine)
    ProjectStore(database).ensure_default()
    database.close()
