"""What came of an import."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.common import Shown
from ted.bank.importing import Imported


class ImportedOut(Shown):
    """The bank that was imported, or in a dry run would be; `embedded` keys got their vectors anew."""

    object: Literal["import"] = "import"
    dry_run: bool
    bank_id: str | None = Field(description="Null in a dry run.")
    name: str
    revision: int
    experiences: int
    keys: int
    embedded: int
    images: int
    exposures: int
    quarantined: int = Field(description="Experiences that are not served before somebody reviewed them.")

    @staticmethod
    def of(done: Imported, *, dry_run: bool) -> ImportedOut:
        return ImportedOut(dry_run=dry_run, **done.to_json())
