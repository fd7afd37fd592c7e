"""Log lines: plain or JSON, with the id of the request or job they belong to, and without keys, prompts and images.

What is worth a line is everybody's own affair.
"""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from traceback import TracebackException
from typing import Any

import psycopg

_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default={})  # noqa: B039 - never changed, only replaced

_KEYS = re.compile(r"(?i:\bbearer\s+)[^\s'\",]+|\b(?:sk|pk)[-_][\w*-]{8,}|\bted_[\w-]{12,}")
_IMAGES = re.compile(r"data:image/[^,\s]*,[A-Za-z0-9+/=_-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def carry_ids(**ids: str) -> None:
    """Lines logged from here on, to the end of the task and in what it begins, carry these ids and no others."""
    _ids.set(ids)


@contextmanager
def belonging_to(**ids: str) -> Iterator[None]:
    """Lines logged in the block, and in threads and tasks begun from it, carry these ids and no others."""
    token = _ids.set(ids)
    try:
        yield
    finally:
        _ids.reset(token)


class LineFormatter(logging.Formatter):
    """One record, one line (plain: and one for each exception with where it passed).

    Of an exception its type and places are told, not its message: that often quotes what was being worked on.
    """

    def __init__(self, *, as_json: bool, secrets: Sequence[str] = ()) -> None:
        super().__init__()
        self._as_json, self._secrets = as_json, sorted(secrets, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        message, ids = self._safe(_message(record)), _ids.get()
        error = record.exc_info[1] if record.exc_info else None
        failures = [self._safe(told) for told in _failures(error)] if error else []
        if self._as_json:
            fields: dict[str, Any] = {
                "time": moment.isoformat(timespec="milliseconds"),
                "level": record.levelname,
                "logger": record.name,
                "message": message,
                **ids,
                **{n: self._safe(v) if isinstance(v, str) else v for n, v in _fields(record).items()},
            }
            return json.dumps(fields | ({"exception": failures} if failures else {}))
        head = " ".join([f"{moment.astimezone():%H:%M:%S}", record.levelname, message, *ids.values()])
        return "\n  ".join([head, *failures])

    def _safe(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        text = _IMAGES.sub("[image]", _KEYS.sub("[key]", text))
        return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def logging_config(*, as_json: bool, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """For `logging.config.dictConfig`: one line a request, from api/middleware; of others only what is wrong."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": LineFormatter, "as_json": as_json, "secrets": list(secrets)}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "api": {"level": "INFO"},
            "ted": {"level": "INFO"},
            "uvicorn": {"level": "WARNING"},
            # With a handler of ours there DBOS adds none of its own.
            "dbos": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }


def log_what_would_be_printed() -> None:
    """Warnings, and exceptions that end a thread, become log lines: printed, they would be neither JSON nor safe."""
    logging.captureWarnings(True)

    def ended(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            told = (args.exc_type, args.exc_value, args.exc_traceback)
            logging.getLogger(__name__).error("a thread was ended by an exception", exc_info=told)

    threading.excepthook = ended


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return fields


def _message(record: logging.LogRecord) -> str:
    """What a record says; of asyncio's and of warnings only what does not quote values."""
    message = record.getMessage()
    match record.name:
        case "asyncio":
            return message.partition("\n")[0]
        case "py.warnings":
            return ": ".join(message.split(": ")[:2])
        case _:
            return message.strip()


def _failures(error: BaseException) -> list[str]:
    """The exception and those behind it, the first cause last: type, places, and of some also what they say."""
    told: list[str] = []
    at: BaseException | None = error
    while at is not None and len(told) < 10:
        frames = TracebackException.from_exception(at, lookup_lines=False).stack
        places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        told.append(f"{type(at).__name__}{_said(at)} at {places or '?'}")
        if isinstance(at, BaseExceptionGroup):
            told += [line for inner in at.exceptions for line in _failures(inner)]
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return told


def _said(error: BaseException) -> str:
    match error:
        case OSError(strerror=str(reason)):
            return f" ({reason})"
        case sqlite3.Error():  # names of tables and columns; values are bound, not written
            return f" ({error})"
        case psycopg.Error(sqlstate=str(state)):  # its texts may quote values
            return f" (SQLSTATE {state})"
        case _:
            return ""
