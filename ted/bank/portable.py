"""The file of a whole bank, line by line: rows as JSON with a checksum each. Which rows there are is exporting's affair.

docs/bank-file.md tells the format to others.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary

from ted.bank.column_types import UtcTime
from ted.bank.job_tables import RefusalRow
from ted.bank.tables import (
    BankRow,
    Base,
    CounterRow,
    ExperienceRow,
    ExposureRow,
    HistoryRow,
    ImageRow,
    KeyRow,
    LineageRow,
    RevisionRow,
    VersionRow,
)
from ted.errors import BadBankFile

FORMAT, VERSION = "ted-bank", 1
VECTORS = "vectors"
"""The field of a key that has its vectors, by the fingerprint of the embedder."""

TABLES: Mapping[str, type[Base]] = {
    "bank": BankRow,
    "image": ImageRow,
    "revision": RevisionRow,
    "version": VersionRow,
    "experience": ExperienceRow,
    "history": HistoryRow,
    "lineage": LineageRow,
    "key": KeyRow,
    "counter": CounterRow,
    "exposure": ExposureRow,
    "refusal": RefusalRow,
}
"""What a line may be, in the order of the file; between `header` and `end`."""

_OF_THE_STORE = frozenset({"project_id", "bank_id"})
_NUMBERED = frozenset({"version", "history", "key", "exposure"})
"""Rows whose number is the store's: in the file, their order tells it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file; numbers count from 1."""

    number: int
    kind: str
    fields: dict[str, Any]


def columns(kind: str) -> dict[str, Column[Any]]:
    """The columns that a line of this kind carries, by name."""
    left_out = _OF_THE_STORE | ({"id"} if kind in _NUMBERED else {"created_at"} if kind == "image" else set())
    return {c.name: c for c in TABLES[kind].__table__.columns if c.name not in left_out}  # type: ignore[misc]


def row_fields(kind: str, row: Base) -> dict[str, Any]:
    """The fields of a row's line."""
    return {name: _to_json(getattr(row, name)) for name in columns(kind)}


def line_bytes(number: int, kind: str, fields: Mapping[str, Any]) -> bytes:
    """The line, with its checksum and its end."""
    whole = {"line": kind, **fields}
    whole["sum"] = _sum(number, whole)
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def lines_of(file: Iterable[bytes]) -> Iterator[Line]:
    """The lines, each checked by itself: readable, unchanged, in its place. The first must be a header of this version.

    Raises BadBankFile; also where the file goes on after its `end`, or has none.
    """
    number, ended = 0, False
    for number, raw in enumerate(file, start=1):
        if ended:
            raise BadBankFile(number, "the file goes on after its end")
        line = _line(number, raw)
        if number == 1:
            _check_header(line)
        ended = line.kind == "end"
        if ended and line.fields != {"lines": number}:
            raise BadBankFile(number, f"this is line {number}, but it should be {line.fields.get('lines')}")
        yield line
    if not ended:
        raise BadBankFile(
            number + 1, "the file ends here without its last line: it is cut off, export it again"
        )


def values_of(line: Line) -> dict[str, Any]:
    """The fields as a row has them. Raises BadBankFile for one that is unknown, missing, or of another type."""
    known, values = columns(line.kind), {}
    allowed = {*known, VECTORS} if line.kind == "key" else set(known)
    if unknown := sorted(set(line.fields) - allowed):
        raise BadBankFile(
            line.number, f"a line of kind '{line.kind}' has no field '{unknown[0]}' in this version"
        )
    for name, column in known.items():
        if name in line.fields:
            values[name] = _from_json(line, name, column, line.fields[name])
        elif not column.nullable and column.default is None:
            raise BadBankFile(line.number, f"the field '{name}' is missing")
    return values


def vectors_of(line: Line) -> dict[str, bytes]:
    """The vectors of a key's line, by fingerprint. Raises BadBankFile."""
    given = line.fields.get(VECTORS, {})
    if not isinstance(given, dict):
        raise BadBankFile(line.number, f"'{VECTORS}' is no object")
    return {name: _binary(line, VECTORS, value) for name, value in given.items()}


def _line(number: int, raw: bytes) -> Line:
    try:
        whole = json.loads(raw.decode(), parse_constant=_no_constant)
        json.dumps(
            whole, ensure_ascii=False, allow_nan=False
        ).encode()  # neither 1e999 nor half a surrogate pair
    except (ValueError, RecursionError) as error:
        raise BadBankFile(number, f"is no JSON in UTF-8 ({error})") from error
    if not raw.endswith(b"\n"):
        raise BadBankFile(number, "has no line end: the file is cut off, export it again")
    if not isinstance(whole, dict) or not isinstance(whole.get("line"), str):
        raise BadBankFile(number, "is no JSON object with a 'line'")
    given = whole.pop("sum", None)
    if given != _sum(number, whole):
        raise BadBankFile(
            number,
            "its checksum is not that of what it says: it was changed, or lines before it were taken out",
        )
    kind = whole.pop("line")
    if kind not in TABLES and kind != ("header" if number == 1 else "end"):
        raise BadBankFile(number, f"a line of kind '{kind}' is not expected here")
    return Line(number, kind, whole)


def _check_header(line: Line) -> None:
    fields = line.fields
    if line.kind != "header" or fields.get("format") != FORMAT:
        raise BadBankFile(1, f"this is no file of a bank: its first line should have the format '{FORMAT}'")
    if fields.get("version") != VERSION:
        raise BadBankFile(
            1,
            f"the file has version {fields.get('version')}, this TED reads version {VERSION}: install a newer TED",
        )


def _sum(number: int, whole: Mapping[str, Any]) -> str:
    told = f"{number}:{json.dumps(whole, sort_keys=True)}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _to_json(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value


def _from_json(line: Line, name: str, column: Column[Any], value: Any) -> Any:
    if value is None and column.nullable:
        return None
    if isinstance(column.type, LargeBinary):
        return _binary(line, name, value)
    if isinstance(column.type, UtcTime):
        return _moment(line, name, value)
    wanted: type | tuple[type, ...] = str
    if isinstance(column.type, JSON):
        wanted = list if name in ("tags", "keys") else dict
    elif isinstance(column.type, Boolean):
        wanted = bool
    elif isinstance(column.type, Float):
        wanted = (int, float)
    elif isinstance(column.type, Integer):
        wanted = int
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise BadBankFile(line.number, f"'{name}' is {value!r:.60}, which is of another type")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise BadBankFile(line.number, f"'{name}' is {value!r:.60}, which is too large")
    return float(value) if isinstance(value, int) and isinstance(column.type, Float) else value


def _binary(line: Line, name: str, value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise BadBankFile(line.number, f"'{name}' is no base64") from error


def _moment(line: Line, name: str, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):  # the last of a moment that is before the year 1 in UTC
        pass
    raise BadBankFile(line.number, f"'{name}' is {value!r:.60}, which is no moment with a time zone")
