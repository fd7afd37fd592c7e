"""Uploaded files: a row each, and their bytes once by hash, in parts. Reading samples is ted/sample_archives' affair."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal, cast

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from ted.bank.caller import Caller
from ted.bank.database import Database
from ted.bank.job_tables import FilePartRow, FileRow
from ted.bank.pages import Page, Paged, paged
from ted.errors import NotFound
from ted.ids import new_id

Purpose = Literal["distillation", "evaluation"]
Format = Literal["jsonl", "zip"]
PART_BYTES = 1 << 20
"""What of a file is in memory at a time."""

_INCOMING = "ted-incoming-"
_LEFT_SECONDS = 24 * 3600


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
        """An empty file of its own for bytes that arrive; whoever asked takes it away again."""
        handle, name = tempfile.mkstemp(prefix=_INCOMING)
        os.close(handle)
        return Path(name)

    def clear(self) -> None:
        """Takes away what arrived at processes that ended meanwhile; what may still be arriving stays."""
        for left in Path(tempfile.gettempdir()).glob(f"{_INCOMING}*"):
            with suppress(OSError):  # it is gone by now, or somebody else's
                if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                    left.unlink()

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
            if session.get(FilePartRow, (self._caller.project_id, sha256, 0)) is None:
                with arrived.open("rb") as file:
                    self._keep(session, sha256, file)
            return _record(row)

    def _keep(self, session: Session, sha256: str, file: BinaryIO) -> None:
        """Part by part, none of which stays in memory; an empty file has one part."""
        for number in itertools.count():
            data = file.read(PART_BYTES)
            if number and not data:
                return
            part = {"project_id": self._caller.project_id, "sha256": sha256, "number": number, "data": data}
            session.execute(insert(FilePartRow), part)

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

    def content(self, record: FileRecord) -> Iterator[bytes]:
        """Its bytes, part by part, each in a transaction of its own. Raises NotFound where it is deleted meanwhile."""
        query = select(FilePartRow.data).where(
            FilePartRow.project_id == self._caller.project_id, FilePartRow.sha256 == record.sha256
        )
        given = 0
        for number in itertools.count():
            with self._database.reading() as session:
                data = session.scalar(query.where(FilePartRow.number == number))
            if data is None:
                raise NotFound(f"file '{record.id}' is gone")
            yield data
            given += len(data)
            if given >= record.bytes:
                return

    @contextmanager
    def copied(self, record: FileRecord) -> Iterator[Path]:
        """Its bytes as a file, for the length of the block."""
        path = self.incoming()
        try:
            with path.open("wb") as file:
                file.writelines(self.content(record))
            yield path
        finally:
            path.unlink(missing_ok=True)

    def delete(self, file_id: str) -> None:
        """The file is gone, its bytes with the last file that has them. Jobs keep the samples they were given."""
        with self._database.writing() as session:
            row = self._row(session, file_id)
            session.delete(row)
            session.flush()
            same = (FileRow.project_id == self._caller.project_id) & (FileRow.sha256 == row.sha256)
            if not session.scalar(select(func.count()).select_from(FileRow).where(same)):
                parts = (FilePartRow.project_id == self._caller.project_id) & (
                    FilePartRow.sha256 == row.sha256
                )
                session.execute(delete(FilePartRow).where(parts))

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
