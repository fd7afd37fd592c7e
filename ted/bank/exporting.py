"""A whole bank as the lines of a file: settings, experiences, their past, keys and vectors, usage, images."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ted.bank.job_tables import RefusalRow
from ted.bank.portable import FORMAT, VECTORS, VERSION, line_bytes, row_fields
from ted.bank.retriever import bank_row
from ted.bank.tables import (
    BankRow,
    CounterRow,
    EmbeddingRow,
    ExperienceRow,
    ExposureRow,
    HistoryRow,
    ImageRow,
    KeyRow,
    LineageRow,
    RevisionRow,
    VersionRow,
)

AT_ONCE = 100
"""Rows read at a time: images are large."""


def export_lines(session: Session, bank_id: str) -> Iterator[bytes]:
    """The lines, one after the other; the same bank always gives the same. Raises NotFound."""
    bank, number = bank_row(session, bank_id), 0
    for number, (kind, fields) in enumerate(_all(session, bank), start=1):
        yield line_bytes(number, kind, fields)
    yield line_bytes(number + 1, "end", {"lines": number + 1})


def _all(session: Session, bank: BankRow) -> Iterator[tuple[str, dict[str, Any]]]:
    embedders = {"text": bank.text_fingerprint, "image": bank.image_fingerprint}
    yield "header", {"format": FORMAT, "version": VERSION, "embedders": embedders}
    yield "bank", row_fields("bank", bank)
    ours = select(ExperienceRow.id).where(ExperienceRow.bank_id == bank.id)
    keys = select(KeyRow).where(KeyRow.experience_id.in_(ours)).order_by(KeyRow.id)
    drawn = select(KeyRow.image_sha256).where(KeyRow.experience_id.in_(ours))
    once = _images_of_histories(session, bank)
    queries: list[tuple[str, Any]] = [
        (
            "image",
            select(ImageRow)
            .where(
                ImageRow.project_id == bank.project_id, ImageRow.sha256.in_(drawn) | ImageRow.sha256.in_(once)
            )
            .order_by(ImageRow.sha256),
        ),
        (
            "revision",
            select(RevisionRow).where(RevisionRow.bank_id == bank.id).order_by(RevisionRow.revision),
        ),
        ("version", select(VersionRow).where(VersionRow.bank_id == bank.id).order_by(VersionRow.id)),
        (
            "experience",
            select(ExperienceRow).where(ExperienceRow.bank_id == bank.id).order_by(ExperienceRow.id),
        ),
        ("history", select(HistoryRow).where(HistoryRow.experience_id.in_(ours)).order_by(HistoryRow.id)),
        (
            "lineage",
            select(LineageRow)
            .where(LineageRow.child_id.in_(ours))
            .order_by(LineageRow.child_id, LineageRow.parent_id),
        ),
        ("key", keys),
        (
            "counter",
            select(CounterRow).where(CounterRow.bank_id == bank.id).order_by(CounterRow.experience_id),
        ),
        ("exposure", select(ExposureRow).where(ExposureRow.bank_id == bank.id).order_by(ExposureRow.id)),
        ("refusal", select(RefusalRow).where(RefusalRow.bank_id == bank.id).order_by(RefusalRow.cluster)),
    ]
    for kind, query in queries:
        for row in session.scalars(query.execution_options(yield_per=AT_ONCE)):
            fields = row_fields(kind, row)
            yield kind, fields | {VECTORS: _vectors(session, bank, row.id)} if kind == "key" else fields


def _images_of_histories(session: Session, bank: BankRow) -> list[str]:
    """What experiences were found by once: a rollback may bring it back."""
    query = select(HistoryRow.keys).join(ExperienceRow, ExperienceRow.id == HistoryRow.experience_id)
    found = session.scalars(
        query.where(ExperienceRow.bank_id == bank.id).execution_options(yield_per=AT_ONCE)
    )
    return sorted({key["image_sha256"] for keys in found for key in keys or () if key["image_sha256"]})


def _vectors(session: Session, bank: BankRow, key_id: int) -> dict[str, str]:
    """Those by the bank's own embedders: others may stand beside them while it is re-embedded."""
    rows = session.scalars(
        select(EmbeddingRow)
        .where(EmbeddingRow.key_id == key_id)
        .where(EmbeddingRow.fingerprint.in_([bank.text_fingerprint, bank.image_fingerprint]))
        .order_by(EmbeddingRow.fingerprint)
    )
    return {row.fingerprint: base64.b64encode(row.vector).decode() for row in rows}
