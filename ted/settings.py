"""Settings as values, and the one function that reads them from the environment (`TED_*`)."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from platformdirs import user_cache_dir, user_data_dir
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ted.errors import BadSetting

SHORTEST_SECRET = 8
"""Shorter keys are made up, for servers that want none, and may be words of a sentence."""

AdvicePlace = Literal["turn", "part"]
"""Where advice goes in a conversation: a turn before the last user turn, or the first part of it."""


class Settings(BaseSettings):
    """What one process of TED needs to know. Every field is an environment variable `TED_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="TED_", extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=lambda: Path(user_data_dir("ted")))
    models_dir: Path = Field(default_factory=lambda: Path(user_cache_dir("ted")) / "models")
    student: str = "local/qwen2.5-coder-0.5b"
    student_api_base: str | None = None
    student_api_key: SecretStr | None = None
    teacher: str = "local/qwen2.5-coder-1.5b"
    teacher_api_base: str | None = None
    teacher_api_key: SecretStr | None = None
    concurrency: int = Field(default=8, ge=1, le=1024)
    timeout: float = Field(default=120.0, gt=0)
    text_embedder: str = "sentence-transformers/all-MiniLM-L6-v2"
    image_embedder: str | None = None
    threads: int = Field(default=1, ge=1, le=256)
    answer_profile: Literal["full", "compact"] = "full"
    fail_open: bool = True
    advice_place: AdvicePlace = "turn"
    max_body_bytes: int = Field(default=64_000_000, ge=1_000)
    drain_seconds: float = Field(default=30.0, ge=0)
    log_format: Literal["plain", "json"] = "plain"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be told to anybody: the keys given here, and those that providers' clients read themselves."""
        ours = [key.get_secret_value() for key in (self.student_api_key, self.teacher_api_key) if key]
        theirs = [value for name, value in os.environ.items() if name.endswith("_API_KEY")]
        return tuple(sorted({key for key in (*ours, *theirs) if len(key) >= SHORTEST_SECRET}))

    @property
    def database_url(self) -> str:
        """Where the store is."""
        return f"sqlite:///{self.data_dir / 'ted.sqlite'}"


def read_settings(**overrides: Any) -> Settings:
    """Settings from the environment, with overrides that are not None. Raises BadSetting."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "TED_" + str(first["loc"][0]).upper()
        raise BadSetting(f"{name} is {first['input']!r}: {first['msg']}") from None


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How experiences are chosen for a question.

    `k` is a maximum. An experience follows the best one only while its calibrated similarity is within `gap` of it.
    Below `min_similarity` nothing is shown; None lets through 2 % of foreign questions, measured for each bank.
    `token_budget` bounds what is injected, in estimated tokens; no experience is cut in half.
    """

    k: int = 4
    gap: float = 0.05
    min_similarity: float | None = None
    token_budget: int = 600

    def __post_init__(self) -> None:
        checks = (
            (1 <= self.k <= 50, "k", "a whole number from 1 to 50"),
            (0 <= self.gap <= 2, "gap", "from 0 to 2"),
            (self.min_similarity is None or -2 <= self.min_similarity <= 2, "min_similarity", "from -2 to 2"),
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
