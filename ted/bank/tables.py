"""The tables of bank, experiences and their use, as SQLAlchemy classes. Jobs and calls are ted/bank/job_tables.

`project_id` stands on every table. Times are UTC. Nothing is deleted in place but a whole bank.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ted.bank.column_types import Short, Text, UtcTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Common column types."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcTime(),
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
        str: Short(),
    }


class ProjectRow(Base):
    """Who owns what. One, `proj_default`, is there from the start."""

    __tablename__ = "projects"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class BankRow(Base):
    """A bank and its settings; `revision` counts applied changes."""

    __tablename__ = "banks"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(Text, default="")
    text_fingerprint: Mapped[str]
    image_fingerprint: Mapped[str | None]
    retrieval: Mapped[dict[str, Any]] = mapped_column(default=dict)
    trials: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cascade: Mapped[dict[str, Any]] = mapped_column(default=dict)
    alarm: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    max_experiences: Mapped[int] = mapped_column(default=200)
    max_tokens: Mapped[int] = mapped_column(default=20_000)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)


class RevisionRow(Base):
    """One applied change of a bank. A batch of a job is applied once: (job, epoch, batch, reason) is unique."""

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("job_id", "epoch", "batch", "reason"),)
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    reason: Mapped[str]
    job_id: Mapped[str | None]
    epoch: Mapped[int | None]
    batch: Mapped[int | None]
    active: Mapped[int]
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class VersionRow(Base):
    """A name for a revision of a bank."""

    __tablename__ = "bank_versions"
    __table_args__ = (UniqueConstraint("bank_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)


class ExperienceRow(Base):
    """An experience as it stands; its past is in `experience_history`.

    `quarantine`: what was found in its text, instead of what it was written, and what a reviewer said.
    """

    __tablename__ = "experiences"
    __table_args__ = (Index(None, "bank_id", "status"), Index(None, "bank_id", "updated_revision"))
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(default=1)
    when_to_use: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    status: Mapped[str]
    pinned: Mapped[bool] = mapped_column(default=False)
    tags: Mapped[list[str]] = mapped_column(default=list)
    student: Mapped[str | None]
    teacher: Mapped[str | None]
    gate: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    quarantine: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    created_revision: Mapped[int]
    updated_revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class HistoryRow(Base):
    """One change of one experience, with its whole state after it and where it came from.

    Pin, tags and keys are null in rows of stores that did not keep them yet.
    """

    __tablename__ = "experience_history"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    experience_id: Mapped[str] = mapped_column(ForeignKey("experiences.id", ondelete="CASCADE"), index=True)
    revision: Mapped[int]
    operation: Mapped[str]
    version: Mapped[int]
    when_to_use: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text)
    status: Mapped[str]
    pinned: Mapped[bool | None]
    tags: Mapped[list[str] | None]
    keys: Mapped[list[dict[str, Any]] | None]
    provenance: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class LineageRow(Base):
    """A merged experience and one of its parents."""

    __tablename__ = "lineage"
    child_id: Mapped[str] = mapped_column(ForeignKey("experiences.id", ondelete="CASCADE"), primary_key=True)
    parent_id: Mapped[str] = mapped_column(ForeignKey("experiences.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)


class KeyRow(Base):
    """What an experience is found by. Its integer id is the id in the vector index; never used twice."""

    __tablename__ = "experience_keys"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    experience_id: Mapped[str] = mapped_column(ForeignKey("experiences.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    text: Mapped[str] = mapped_column(Text, default="")
    image_sha256: Mapped[str | None]


class EmbeddingRow(Base):
    """The vector of a key by one embedder: little-endian float32. A text key may have one of text, one of CLIP."""

    __tablename__ = "embeddings"
    key_id: Mapped[int] = mapped_column(
        ForeignKey("experience_keys.id", ondelete="CASCADE"), primary_key=True
    )
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class ImageRow(Base):
    """The bytes of an image, once a project."""

    __tablename__ = "images"
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    data: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)


class AnswerRow(Base):
    """An answer given, and everything that explains it.

    `arm`: `bank` or `control` where chance decided whether the experiences found were used, with the probability of
    `bank`. `bypassed`: the bank was bypassed at that time. `cascade`: where the teacher might answer, how it came to
    that. `harvested`: it may become a sample.
    """

    __tablename__ = "answers"
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"), index=True)
    question: Mapped[str] = mapped_column(Text)
    images: Mapped[list[str]] = mapped_column(default=list)
    text: Mapped[str] = mapped_column(Text)
    final_answer: Mapped[str] = mapped_column(Text)
    student: Mapped[str]
    mode: Mapped[str]
    revision: Mapped[int]
    abstained: Mapped[bool]
    arm: Mapped[str | None]
    arm_propensity: Mapped[float | None]
    bypassed: Mapped[bool] = mapped_column(default=False)
    cascade: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    harvested: Mapped[bool] = mapped_column(default=False)
    images_not_searched: Mapped[int] = mapped_column(default=0)
    retrieved: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    demonstrations: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    usage: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cost_usd: Mapped[float | None]
    latency_ms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class FeedbackRow(Base):
    """What somebody says of an answer, one row an answer; a reference is learned from only once it is `accepted`."""

    __tablename__ = "feedback"
    __table_args__ = (Index(None, "bank_id", "updated_at"),)
    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"), index=True)
    outcome: Mapped[float]
    reference: Mapped[str | None] = mapped_column(Text)
    accepted: Mapped[bool | None]
    comment: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class ExposureRow(Base):
    """One experience retrieved for one question. `asked_as` is an answer id, or job:epoch:sample in a distillation.

    `outcome` is the share of right attempts, one number a question, or null while nobody graded it.
    `propensity` is that of being shown.
    `own_source`: the question is one the experience was made from, so its outcome does not count for it.
    """

    __tablename__ = "exposures"
    __table_args__ = (UniqueConstraint("asked_as", "experience_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"), index=True)
    asked_as: Mapped[str]
    origin: Mapped[str]
    experience_id: Mapped[str] = mapped_column(ForeignKey("experiences.id", ondelete="CASCADE"), index=True)
    version: Mapped[int]
    shown: Mapped[bool]
    propensity: Mapped[float]
    similarity: Mapped[float]
    cited: Mapped[bool | None]
    outcome: Mapped[float | None]
    own_source: Mapped[bool] = mapped_column(default=False)
    verdict: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class CounterRow(Base):
    """Usage of an experience's present version, summed over its exposures; moved in SQL only.

    The weights and what follows them are ted/bank/utility's sums of either side; `inherited` are such sums, too, of the
    parents of a merge.
    """

    __tablename__ = "usage_counters"
    experience_id: Mapped[str] = mapped_column(
        ForeignKey("experiences.id", ondelete="CASCADE"), primary_key=True
    )
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"), index=True)
    version: Mapped[int] = mapped_column(default=1)
    retrieved: Mapped[int] = mapped_column(default=0)
    shown: Mapped[int] = mapped_column(default=0)
    withheld: Mapped[int] = mapped_column(default=0)
    cited: Mapped[int] = mapped_column(default=0)
    shown_correct: Mapped[float] = mapped_column(default=0.0)
    shown_wrong: Mapped[float] = mapped_column(default=0.0)
    withheld_correct: Mapped[float] = mapped_column(default=0.0)
    withheld_wrong: Mapped[float] = mapped_column(default=0.0)
    helpful: Mapped[int] = mapped_column(default=0)
    harmful: Mapped[int] = mapped_column(default=0)
    shown_weight: Mapped[float] = mapped_column(default=0.0)
    shown_weight2: Mapped[float] = mapped_column(default=0.0)
    shown_right: Mapped[float] = mapped_column(default=0.0)
    shown_right2: Mapped[float] = mapped_column(default=0.0)
    withheld_weight: Mapped[float] = mapped_column(default=0.0)
    withheld_weight2: Mapped[float] = mapped_column(default=0.0)
    withheld_right: Mapped[float] = mapped_column(default=0.0)
    withheld_right2: Mapped[float] = mapped_column(default=0.0)
    inherited: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    last_used_at: Mapped[datetime | None]
