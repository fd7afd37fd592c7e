"""Keys by the secrets or sessions that requests bring: known for a second once looked up; uses written once a minute."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from ted.bank.keys import Key, KeyStore, digest_of
from ted.bank.sessions import SessionStore
from ted.bank.tables import now

KNOWN_SECONDS = 1.0
"""For so long after it was revoked elsewhere, a key may still be taken here."""

MOST_KNOWN = 10_000
USES_SECONDS = 60.0


class Keyring:
    """One an app. Safe to use from several threads."""

    def __init__(self, store: KeyStore, sessions: SessionStore) -> None:
        self._store, self.sessions = store, sessions
        self._known: OrderedDict[str, tuple[Key, float]] = OrderedDict()
        self._uses: dict[str, datetime] = {}
        self._written = time.monotonic()
        self._lock = threading.Lock()

    async def key_of(self, secret: str) -> Key | None:
        """The key that this secret is of, if it works at this moment."""
        return await self._known_of("secret", secret, self._store.of_secret)

    async def key_of_session(self, token: str) -> Key | None:
        """The key that the session of this token was opened with, if both are good at this moment."""
        return await self._known_of("token", token, self.sessions.key_of)

    async def _known_of(self, kind: str, word: str, look_up: Callable[[str], Key | None]) -> Key | None:
        """Remembered by its kind, too, so that a secret is never taken for a token."""
        digest, moment = digest_of(f"{kind} {word}"), time.monotonic()
        with self._lock:
            key, until = self._known.get(digest, (None, 0.0))
        if key is None or moment >= until:
            key = await asyncio.to_thread(look_up, word)
            if key is not None:
                self._remember(digest, key, moment + KNOWN_SECONDS)
        if key is None or not key.works_at(now()):
            return None
        with self._lock:
            self._uses[key.id] = now()
        return key

    def forget(self) -> None:
        """Looks all keys up again: one was changed."""
        with self._lock:
            self._known.clear()

    def write_uses(self, *, at_once: bool = False) -> None:
        """Writes when keys were last used, if it is time."""
        if not self._uses or not (at_once or time.monotonic() - self._written > USES_SECONDS):
            return
        with self._lock:
            uses, self._uses, self._written = self._uses, {}, time.monotonic()
        self._store.note_uses(uses)

    def _remember(self, digest: str, key: Key, until: float) -> None:
        with self._lock:
            self._known[digest] = key, until
            self._known.move_to_end(digest)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
