"""Keys and projects as they are sent and shown."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.common import Body, Shown, Time
from ted.bank.keys import Key, KeySettings, Limits, Period, Scope
from ted.bank.projects import Project

Name = Annotated[str, Field(max_length=100, description="What it is called.")]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=20, description="What it is for.")]
Banks = Annotated[
    list[str],
    Field(max_length=1_000, description="Only these banks (ids or names); null: all of the project."),
]
Expiry = Annotated[Time, Field(strict=False, description="When it ends to work; null: never.")]
_Count = Annotated[int, Field(ge=0, le=10**15)]


class LimitsIn(Body):
    """What a key may use; null is no limit. The budget is in total, or for each calendar month in UTC."""

    requests_per_minute: Annotated[int, Field(ge=1, le=10**9)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1, le=10**12)] | None = None
    budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    budget_tokens: _Count | None = None
    budget_calls: _Count | None = None
    budget_period: Period = "total"

    @property
    def limits(self) -> Limits:
        """As the store has them."""
        return Limits(**self.model_dump())


class KeyIn(Body):
    """A key to be made."""

    name: Name = ""
    scopes: Scopes
    banks: Banks | None = None
    limits: LimitsIn = Field(default_factory=LimitsIn)
    expires_at: Expiry | None = None
    project: Annotated[
        str | None,
        Field(max_length=255, description="Its project (id or name). Another than one's own: the operator."),
    ] = None

    @property
    def settings(self) -> KeySettings:
        """As the store has them."""
        banks = None if self.banks is None else tuple(self.banks)
        return KeySettings(self.name, tuple(self.scopes), banks, self.limits.limits, self.expires_at)


class KeyPatch(Body):
    """What is left out stays as it is."""

    name: Name = ""
    scopes: Scopes = Field(default_factory=list)
    banks: Banks | None = None
    limits: LimitsIn = Field(default_factory=LimitsIn)
    expires_at: Expiry | None = None

    def changed(self, settings: KeySettings) -> KeySettings:
        """The settings with what was sent in place."""
        sent: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        for name in ("scopes", "banks"):
            if sent.get(name) is not None:
                sent[name] = tuple(sent[name])
        if "limits" in sent:
            sent["limits"] = self.limits.limits
        return replace(settings, **sent)


class LimitsOut(Shown):
    requests_per_minute: int | None
    tokens_per_minute: int | None
    budget_usd: float | None
    budget_tokens: int | None
    budget_calls: int | None
    budget_period: Period


class KeyOut(Shown):
    """A key; `prefix` is how its secret begins, `last_used_at` is up to some minutes old."""

    id: str
    object: Literal["key"] = "key"
    project: str
    name: str
    prefix: str
    scopes: list[Scope]
    banks: list[str] | None
    limits: LimitsOut
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @staticmethod
    def of(key: Key) -> KeyOut:
        """As it is shown."""
        return KeyOut(**_shown(key))


class NewKeyOut(KeyOut):
    """A key that was just made. Its secret, `key`, is told this once."""

    key: str

    @staticmethod
    def made(key: Key, secret: str) -> NewKeyOut:
        """With its secret."""
        return NewKeyOut(**_shown(key), key=secret)


def _shown(key: Key) -> dict[str, Any]:
    settings = key.settings
    return {
        "id": key.id,
        "project": key.project_id,
        "name": settings.name,
        "prefix": key.prefix,
        "scopes": list(settings.scopes),
        "banks": None if settings.banks is None else list(settings.banks),
        "limits": LimitsOut(**asdict(settings.limits)),
        "created_at": key.created_at,
        "expires_at": settings.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


class ProjectIn(Body):
    """A project to be made, or its other name."""

    name: Annotated[str, Field(min_length=1, max_length=100, description="What it is called.")]


class ProjectOut(Shown):
    id: str
    object: Literal["project"] = "project"
    name: str
    created_at: datetime

    @staticmethod
    def of(project: Project) -> ProjectOut:
        """As it is shown."""
        return ProjectOut(id=project.id, name=project.name, created_at=project.created_at)
