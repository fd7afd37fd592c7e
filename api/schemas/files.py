"""Uploaded files as they are shown."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.common import Shown, Time
from ted.bank.files import FileRecord, Format, Purpose


class FileOut(Shown):
    """A file of samples."""

    object: Literal["file"] = "file"
    id: str = Field(examples=["file_06b3x0c5r4t1m2n8"])
    filename: str
    purpose: Purpose
    format: Format
    bytes: int
    sha256: str
    samples: int = Field(description="How many are in it.")
    created_at: Time

    @staticmethod
    def of(record: FileRecord) -> FileOut:
        return FileOut(
            id=record.id,
            filename=record.filename,
            purpose=record.purpose,
            format=record.format,
            bytes=record.bytes,
            sha256=record.sha256,
            samples=record.samples,
            created_at=record.created_at,
        )
