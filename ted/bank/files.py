"""Uploaded files: a row each, and their bytes once by hash beside the database. Reading them is ted/sample_archives'."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.job_tables import FileRow
from ted.bank.pages import Page, Paged, paged
from ted.errors import NotFound
from ted.ids import new_id

Purpose = Literal["distillation", "evaluation"]
Format = Literal["jsonl", "zip"]
_INCOMING = "incoming-"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as the store has it; `samples` is how many are in it."""

    id: str
    filename: str
    purpose: Purpose
    format: Format
    bytes: int
    sha256: str
    samples: int
    created_at: datetime


class FileStore:
    """The files of a caller's project."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    def incoming(self) -> Path:
        """A path of its own for bytes that arrive; `add` or the caller takes it away again."""
        self._folder.mkdir(exist_ok=True)
        return self._folder / f"{_INCOMING}{secrets.token_hex(8)}"

    def clear(self) -> None:
        """Takes away what arrived at a process that ended meanwhile."""
        for left in self._folder.glob(f"{_INCOMING}*"):
            left.unlink(missing_ok=True)

    def add(
        self,
        arrived: Path,
        *,
        filename: str,
        purpose: Purpose,
        format: Format,
        size: int,
        sha256: str,
        samples: int,
    ) -> FileRecord:
        """The file is kept, under its hash; the same bytes are kept once."""
        with self._database.writing() as session:
            row = FileRow(
                id=new_id("file"),
                project_id=self._caller.project_id,
                filename=filename,
                purpose=purpose,
                format=format,
                bytes=size,
                sha256=sha256,
                samples=samples,
            )
            session.add(row)
            session.flush()
            arrived.replace(self._folder / sha256)
            return _record(row)

    def files(self, page: Page, *, purpose: Purpose | None = None) -> Paged[FileRecord]:
        """By id, of a purpose if given."""
        query = select(FileRow).where(self._caller.theirs(FileRow))
        if purpose is not None:
            query = query.where(FileRow.purpose == purpose)
        with self._database.reading() as session:
            rows, more = paged(session, query, page, by=[FileRow.id])
            return Paged(tuple(_record(row) for (row,) in rows), more)

    def get(self, file_id: str) -> FileRecord:
        """One file. Raises NotFound."""
        with self._database.reading() as session:
            return _record(self._row(session, file_id))

    def path(self, record: FileRecord) -> Path:
        """Where its bytes are."""
        return self._folder / record.sha256

    def delete(self, file_id: str) -> None:
        """The file is gone, its bytes with the last file that has them. Jobs keep the samples they were given."""
        with self._database.writing() as session:
            row = self._row(session, file_id)
            session.delete(row)
            session.flush()
            others = select(func.count()).select_from(FileRow).where(FileRow.sha256 == row.sha256)
            if not session.scalar(others):
                (self._folder / row.sha256).unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return self._database.folder / "files"

    def _row(self, session: Session, file_id: str) -> FileRow:
        row = session.get(FileRow, file_id)
        if row is None or not self._caller.has(row):
            raise NotFound(f"there is no file '{file_id}'")
        return row


def _record(row: FileRow) -> FileRecord:
    return FileRecord(
        row.id,
        row.filename,
        cast(Purpose, row.purpose),
        cast(Format, row.format),
        row.bytes,
        row.sha256,
        row.samples,
        row.created_at,
    )
