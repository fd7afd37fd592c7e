"""Settings as values, and the one function that reads them from the environment (`TED_*`)."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import unquote

from platformdirs import user_cache_dir, user_data_dir
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ted.errors import BadSetting

SHORTEST_SECRET = 8
"""Shorter keys are made up, for servers that want none, and may be words of a sentence."""

AdvicePlace = Literal["turn", "part"]
"""Where advice goes in a conversation: a turn before the last user turn, or the first part of it."""


def _parts(value: Any) -> Any:
    """`a, b` as an environment variable says it."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _names(value: Any) -> Any:
    """The same of names of hosts, whose case tells nothing."""
    return _parts(value.lower() if isinstance(value, str) else value)


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)]
Ports = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], NoDecode, BeforeValidator(_parts)]


def half_of_the_cores() -> int:
    """At least one. A student and a teacher that run here are asked at the same time; threads of a model that wait for
    each other on busy cores are many times slower than fewer threads (decision 7)."""
    return max(1, len(os.sched_getaffinity(0)) // 2) if hasattr(os, "sched_getaffinity") else 1


class Settings(BaseSettings):
    """What one process of TED needs to know. Every field is an environment variable `TED_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="TED_", extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=lambda: Path(user_data_dir("ted")))
    database_url: SecretStr | None = None
    replica: str | None = Field(default=None, min_length=1, max_length=200)
    lease_seconds: float = Field(default=15.0, ge=1, le=3600)
    models_dir: Path = Field(default_factory=lambda: Path(user_cache_dir("ted")) / "models")
    student: str = "local/qwen2.5-coder-0.5b"
    student_api_base: str | None = None
    student_api_key: SecretStr | None = None
    teacher: str = "local/qwen2.5-coder-1.5b"
    teacher_api_base: str | None = None
    teacher_api_key: SecretStr | None = None
    judge: str | None = None
    judge_api_base: str | None = None
    judge_api_key: SecretStr | None = None
    concurrency: int = Field(default=8, ge=1, le=1024)
    timeout: float = Field(default=120.0, gt=0)
    text_embedder: str = "sentence-transformers/all-MiniLM-L6-v2"
    image_embedder: str | None = None
    threads: int = Field(default=1, ge=1, le=256)
    local_threads: int = Field(default_factory=half_of_the_cores, ge=1, le=256)
    answer_profile: Literal["full", "compact"] = "full"
    fail_open: bool = True
    advice_place: AdvicePlace = "turn"
    max_body_bytes: int = Field(default=64_000_000, ge=1_000)
    fetch_images: bool = False
    fetch_images_from: Listed = ()
    fetch_images_ports: Ports = (80, 443)
    fetch_images_seconds: float = Field(default=10.0, gt=0)
    trust_feedback: bool = False
    traces: bool = False
    drain_seconds: float = Field(default=30.0, ge=0)
    log_format: Literal["plain", "json"] = "plain"
    open: bool = False
    hosts: Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_names)] = None
    rate_limit_storage: str = "memory://"
    session_hours: float = Field(default=12.0, gt=0, le=24 * 366)
    project: str = "proj_default"

    @field_validator("database_url")
    @classmethod
    def _of_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            postgresql_url(url.get_secret_value())
        return url

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be told to anybody: keys and password given here, and keys that providers' clients read."""
        given = (self.student_api_key, self.teacher_api_key, self.judge_api_key)
        ours = [key.get_secret_value() for key in given if key]
        if self.database_url is not None:
            ours += passwords_in(self.database_url.get_secret_value())
        theirs = [value for name, value in os.environ.items() if name.endswith("_API_KEY")]
        return tuple(sorted({key for key in (*ours, *theirs) if len(key) >= SHORTEST_SECRET}))

    @property
    def exports_dir(self) -> Path:
        """Where embedders are kept as they are served: exported to ONNX."""
        return self.models_dir / "onnx"

    @property
    def store_url(self) -> str:
        """Where the store is, as SQLAlchemy wants it; it may hold a password."""
        if self.database_url is not None:
            return postgresql_url(self.database_url.get_secret_value())
        return f"sqlite:///{self.data_dir / 'ted.sqlite'}"

    @property
    def replica_name(self) -> str:
        """This server among those of one database: its `replica`, or its host and data directory."""
        return self.replica or f"{socket.gethostname()}:{self.data_dir.resolve()}"


def read_settings(**overrides: Any) -> Settings:
    """Settings from the environment, with overrides that are not None. Raises BadSetting."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        field, told = str(first["loc"][0]), first["msg"].removeprefix("Value error, ")
        given = "" if field in SECRET else f" is {first['input']!r}"
        raise BadSetting(f"TED_{field.upper()}{given}: {told}") from None


SECRET = frozenset({"database_url", "student_api_key", "teacher_api_key"})
"""Settings that no message quotes."""


def postgresql_url(url: str) -> str:
    """The URL with the driver that is used. Raises ValueError, which does not quote it."""
    scheme, there, rest = url.partition("://")
    if not there or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ValueError(
            "it must be postgresql://user:password@host/database; left out, the store is a file in TED_DATA_DIR"
        )
    return f"postgresql+psycopg://{rest}"


def passwords_in(url: str) -> list[str]:
    """The password of a URL as it stands there, as it is meant, and with what is around it, however short it is."""
    head = url.partition("://")[2].partition("/")[0]
    account, there, _ = head.rpartition("@")
    _, has_password, password = account.partition(":")
    return [f"{account}@", password, unquote(password)] if there and has_password and password else []


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How experiences are chosen for a question.

    `k` is a maximum. An experience follows the best one only while its calibrated similarity is within `gap` of it.
    Below `min_similarity` nothing is shown; None lets through 2 % of foreign questions, measured for each bank.
    `token_budget` bounds what is injected, in estimated tokens; no experience is cut in half.
    `mmr_lambda`: weight of similarity against diversity (docs/evaluation.md), 1 is similarity alone; None: off.
    """

    k: int = 4
    gap: float = 0.05
    min_similarity: float | None = None
    token_budget: int = 600
    mmr_lambda: float | None = None

    def __post_init__(self) -> None:
        checks = (
            (1 <= self.k <= 50, "k", "a whole number from 1 to 50"),
            (0 <= self.gap <= 2, "gap", "from 0 to 2"),
            (self.min_similarity is None or -2 <= self.min_similarity <= 2, "min_similarity", "from -2 to 2"),
            (self.mmr_lambda is None or 0 <= self.mmr_lambda <= 1, "mmr_lambda", "from 0 to 1"),
            (self.token_budget >= 1, "token_budget", "at least 1"),
        )
        for good, name, wanted in checks:
            if not good:
                raise BadSetting(f"{name} is {getattr(self, name)!r}: it must be {wanted}")

    def with_options(self, options: dict[str, Any]) -> RetrievalSettings:
        """These settings with the options that are not None in place. Raises BadSetting for an unknown one."""
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        if unknown := sorted(set(options) - set(known)):
            raise BadSetting(f"retrieval has no setting {unknown[0]!r}: there are {', '.join(known)}")
        return RetrievalSettings(**(known | {n: v for n, v in options.items() if v is not None}))


TrialTime = Literal["off", "graded", "always"]
Bypass = Literal["off", "alarm", "serve_without"]


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """What of a bank's answers chance may decide, so that one can tell what the bank is worth.

    `when`: whether single experiences are withheld and answers given without the bank at all: never, while answers
    get graded (else nothing is learned from it), or always. `control_rate`: the share of answers without the bank.
    `bypass`: what is done where these are better with confidence: nothing, an alarm, or answers without the bank.
    """

    when: TrialTime = "graded"
    control_rate: float = 0.02
    bypass: Bypass = "alarm"

    def __post_init__(self) -> None:
        checks = (
            (self.when in get_args(TrialTime), "when", " or ".join(get_args(TrialTime))),
            (0 <= self.control_rate <= 0.5, "control_rate", "from 0 to 0.5"),
            (self.bypass in get_args(Bypass), "bypass", " or ".join(get_args(Bypass))),
        )
        for good, name, wanted in checks:
            if not good:
                raise BadSetting(f"{name} is {getattr(self, name)!r}: it must be {wanted}")


Escalate = Literal["never", "on_disagreement"]


@dataclass(frozen=True, slots=True)
class CascadeSettings:
    """When the teacher answers in the student's place.

    `on_disagreement`: the student answers `samples` times, and the teacher where the share of them that are one answer is
    below `threshold` (to two digits). `harvest`: what it answered becomes a sample of a distillation from feedback.
    """

    escalate: Escalate = "never"
    samples: int = 3
    threshold: float = 2 / 3
    harvest: bool = False

    def __post_init__(self) -> None:
        checks = (
            (self.escalate in get_args(Escalate), "escalate", " or ".join(get_args(Escalate))),
            (2 <= self.samples <= 16, "samples", "a whole number from 2 to 16"),
            (0 <= self.threshold <= 1, "threshold", "from 0 to 1"),
        )
        for good, name, wanted in checks:
            if not good:
                raise BadSetting(f"{name} is {getattr(self, name)!r}: it must be {wanted}")


@dataclass(frozen=True, slots=True)
class Budget:
    """Hard limits on what a job may spend; None is no limit."""

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if value is not None and not value >= 0:  # so that NaN, which nothing exceeds, is refused as well
                raise BadSetting(f"budget {f.name} is {value}: it must be a number of 0 or more")
