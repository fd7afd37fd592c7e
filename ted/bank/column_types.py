"""Column types that mean the same on SQLite and PostgreSQL: texts without NUL, sorted by bytes; moments in UTC.

PostgreSQL refuses the character NUL in a text, and in JSON once it is looked into; both stores keep U+FFFD in its place.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String, TypeDecorator
from sqlalchemy import Text as SqlText
from sqlalchemy.types import TypeEngine

UNKNOWN = "\ufffd"
BY_BYTES = "C"
"""The collation of all texts on PostgreSQL; SQLite has no other unless told."""

_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class _Plain(TypeDecorator[str]):
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """On PostgreSQL of any length, as SQLite takes them: a length there only adds an error."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(SqlText(collation=BY_BYTES))
        return dialect.type_descriptor(self.impl_instance)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\0", UNKNOWN) if value is not None and "\0" in value else value


class Short(_Plain):
    """An id, a name, a word."""

    impl = String(255)
    cache_ok = True


class Text(_Plain):
    """A text of any length."""

    impl = SqlText
    cache_ok = True


class UtcTime(TypeDecorator[datetime]):
    """A moment, written and read in UTC; SQLite alone would give it back without a zone, PostgreSQL in the session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None and value.tzinfo is not None else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def to_json(value: Any) -> str:
    """As a JSON column keeps it."""
    text = json.dumps(value)
    return _ESCAPED_NUL.sub(r"\1\\ufffd", text) if "\\u0000" in text else text
