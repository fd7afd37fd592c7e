"""Keys in the store: made, recognised by their secrets, listed, changed, revoked. What each may do is a face's affair."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Literal, get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ted.bank.banks import BankStore
from ted.bank.caller import DEFAULT_PROJECT, Caller
from ted.bank.database import Database
from ted.bank.key_tables import ApiKeyRow
from ted.bank.pages import Page, Paged, paged
from ted.bank.tables import ProjectRow, now
from ted.errors import BadInput, BadSetting, Conflict, NotFound
from ted.ids import new_id
from ted.settings import Budget

Scope = Literal["answer", "distill", "feedback", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
Period = Literal["total", "month"]

SECRET_BYTES = 40
SHOWN = 8
"""Characters of a secret that are kept to recognise it by; more than 256 bits of it remain."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key may use; None is no limit. The budget is for all time, or for each calendar month in UTC."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    budget_usd: float | None = None
    budget_tokens: int | None = None
    budget_calls: int | None = None
    budget_period: Period = "total"

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise BadSetting(f"{name} is {value}: it must be at least 1")
        _ = self.budget

    @property
    def budget(self) -> Budget:
        """Raises BadSetting for one that is below 0."""
        return Budget(self.budget_usd, self.budget_tokens, self.budget_calls)

    def counted_from(self, moment: datetime) -> datetime | None:
        """When the budget's period began; None: there is but one."""
        if self.budget_period == "total":
            return None
        return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class KeySettings:
    """What may change of a key. `banks` are ids, None is all of its project."""

    name: str = ""
    scopes: tuple[Scope, ...] = ()
    banks: tuple[str, ...] | None = None
    limits: Limits = field(default_factory=Limits)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key as the store has it, which is without its secret."""

    id: str
    project_id: str
    prefix: str
    settings: KeySettings
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def caller(self) -> Caller:
        """For whom its holder calls."""
        banks = self.settings.banks
        return Caller(self.project_id, None if banks is None else frozenset(banks), self.id)

    def works_at(self, moment: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        expires = self.settings.expires_at
        return self.revoked_at is None and (expires is None or moment < expires)


class KeyStore:
    """Reads and writes keys; each method is one short transaction. `project_id` None: those of all projects."""

    def __init__(self, database: Database, project_id: str | None) -> None:
        self._database, self._project = database, project_id

    def create(self, settings: KeySettings, *, project_id: str) -> tuple[Key, str]:
        """A new key and its secret, which is told this once. Raises BadInput, NotFound for a project or bank."""
        with self._database.reading() as session:
            if project_id != (self._project or project_id) or session.get(ProjectRow, project_id) is None:
                raise NotFound(f"there is no project '{project_id}'")
        wanted = self._checked(settings, project_id)
        with self._database.writing() as session:
            return _made(session, wanted, project_id)

    def make_first(self) -> str | None:
        """The secret of an administrator's key of the default project, where there has never been any key."""
        with self._database.writing() as session:
            if session.scalar(select(func.count()).select_from(ApiKeyRow)):
                return None
            return _made(session, KeySettings("first", ("admin",)), DEFAULT_PROJECT)[1]

    def of_secret(self, secret: str) -> Key | None:
        """The key, whether it still works or not. Found by its hash, which tells nothing about others'."""
        digest = digest_of(secret)
        with self._database.reading() as session:
            row = session.scalar(select(ApiKeyRow).where(ApiKeyRow.hash == digest))
            return key_of(row) if row is not None and hmac.compare_digest(row.hash, digest) else None

    def get(self, key_id: str) -> Key:
        """One key. Raises NotFound."""
        with self._database.reading() as session:
            return key_of(self._row(session, key_id))

    def list(self, page: Page, *, project_id: str | None = None) -> Paged[Key]:
        """Keys by id, of a project if given; those that were revoked, too."""
        query = select(ApiKeyRow)
        for only in (self._project, project_id):
            if only is not None:
                query = query.where(ApiKeyRow.project_id == only)
        with self._database.reading() as session:
            rows, more = paged(session, query, page, by=[ApiKeyRow.id])
            return Paged(tuple(key_of(row) for (row,) in rows), more)

    def change(self, key_id: str, change: Callable[[KeySettings], KeySettings]) -> Key:
        """Other settings, made from those it has. Raises NotFound, Conflict for one that is revoked, and as `create`."""
        before = self.get(key_id)
        wanted = self._checked(change(before.settings), before.project_id)
        with self._database.writing() as session:
            row = self._row(session, key_id)
            if row.revoked_at is not None:
                raise Conflict(f"key {key_id} is revoked, for good: make another one")
            _put(row, wanted)
            return key_of(row)

    def revoke(self, key_id: str) -> Key:
        """It works no more; what was spent with it stays in the account. Raises NotFound."""
        with self._database.writing() as session:
            row = self._row(session, key_id)
            row.revoked_at = row.revoked_at or now()
            return key_of(row)

    def note_uses(self, moments: Mapping[str, datetime]) -> None:
        """When keys were last used, by their ids."""
        with self._database.writing() as session:
            for key_id, moment in sorted(moments.items()):
                if row := session.get(ApiKeyRow, key_id):
                    row.last_used_at = moment

    def _checked(self, settings: KeySettings, project_id: str) -> KeySettings:
        """With the ids of its banks. An administrator's is of the whole project: it could make itself such a one."""
        scopes = tuple(scope for scope in SCOPES if scope in settings.scopes)
        if not scopes:
            raise BadInput(f"a key without a scope is for nothing: give it one of {', '.join(SCOPES)}")
        if len(settings.name) > 100 or not settings.name.isprintable():
            raise BadInput("the name of a key is at most 100 printable characters")
        banks = settings.banks
        if banks is not None:
            if "admin" in scopes:
                raise BadInput("a key with the scope admin is of its whole project: leave out its banks")
            found = BankStore(self._database, Caller(project_id))
            banks = tuple(dict.fromkeys(found.find(bank) for bank in banks))
        return KeySettings(settings.name, scopes, banks, settings.limits, settings.expires_at)

    def _row(self, session: Session, key_id: str) -> ApiKeyRow:
        row = session.get(ApiKeyRow, key_id)
        if row is None or row.project_id != (self._project or row.project_id):
            raise NotFound(f"there is no key '{key_id}'")
        return row


def digest_of(secret: str) -> str:
    """What is kept of a secret: it is too long to be found by trying, so one round without salt is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def scopes_of(names: Sequence[str]) -> tuple[Scope, ...]:
    """The scopes of these names. Raises BadInput."""
    for name in names:
        if name not in SCOPES:
            raise BadInput(f"there is no scope '{name}': there are {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in names)


def limits_of(row: ApiKeyRow) -> Limits:
    """A key's limits; those that an older version did not know are none."""
    return Limits(**{f.name: row.limits[f.name] for f in fields(Limits) if f.name in row.limits})


def _made(session: Session, settings: KeySettings, project_id: str) -> tuple[Key, str]:
    secret = f"ted_{secrets.token_urlsafe(SECRET_BYTES)}"
    prefix, digest = secret[: len("ted_") + SHOWN], digest_of(secret)
    row = ApiKeyRow(id=new_id("key"), project_id=project_id, prefix=prefix, hash=digest)
    _put(row, settings)
    session.add(row)
    session.flush()
    return key_of(row), secret


def _put(row: ApiKeyRow, settings: KeySettings) -> None:
    row.name, row.scopes = settings.name, list(settings.scopes)
    row.banks = None if settings.banks is None else list(settings.banks)
    row.limits, row.expires_at = asdict(settings.limits), settings.expires_at


def key_of(row: ApiKeyRow) -> Key:
    """The value of a key row."""
    banks = None if row.banks is None else tuple(row.banks)
    settings = KeySettings(row.name, scopes_of(row.scopes), banks, limits_of(row), row.expires_at)
    return Key(row.id, row.project_id, row.prefix, settings, row.created_at, row.revoked_at, row.last_used_at)
