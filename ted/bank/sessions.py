"""Sessions of the dashboard in the store: opened with a key, known by their tokens, ended. Cookies are a face's."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from ted.bank.database import Database
from ted.bank.key_tables import ApiKeyRow, SessionRow
from ted.bank.keys import Key, digest_of, key_of
from ted.bank.tables import now

TOKEN_BYTES = 32


class SessionStore:
    """Reads and writes sessions of all projects; each method is one short transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, key: Key, *, lasts: timedelta) -> str:
        """A session of the key's holder: its token, which is told this once. Sessions that are over are forgotten."""
        token, moment = secrets.token_urlsafe(TOKEN_BYTES), now()
        with self._database.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_at <= moment))
            session.add(
                SessionRow(
                    hash=digest_of(token),
                    project_id=key.project_id,
                    key_id=key.id,
                    created_at=moment,
                    expires_at=moment + lasts,
                )
            )
        return token

    def key_of(self, token: str) -> Key | None:
        """The key that the session was opened with, whether it still works or not; None where the session is over."""
        query = (
            select(ApiKeyRow)
            .join(SessionRow, SessionRow.key_id == ApiKeyRow.id)
            .where(SessionRow.hash == digest_of(token), SessionRow.expires_at > now())
        )
        with self._database.reading() as session:
            row = session.scalar(query)
            return None if row is None else key_of(row)

    def end(self, token: str) -> None:
        """The token is worth nothing any more; one that is not known is none already."""
        with self._database.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.hash == digest_of(token)))
