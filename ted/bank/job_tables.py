"""The tables of jobs, the material they produced, and the ledger of model calls, as SQLAlchemy classes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ted.bank.column_types import Text
from ted.bank.tables import Base, now


class JobRow(Base):
    """A distillation, compression, evaluation, re-embedding or merge of banks. `digest` is over what decides its outcome.

    `key_id` is the key that submitted it, and is charged for it. `steps`: how many there are, of a job whose work is not
    on samples; `steps_done`, how many of them are done.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "bank_id", "status"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"))
    key_id: Mapped[str | None]
    kind: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str | None] = mapped_column(Text)
    request: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(index=True)
    budget: Mapped[dict[str, Any]] = mapped_column(default=dict)
    runs: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int | None]
    steps_done: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class KeyedJobRow(Base):
    """A job by the idempotency key of the request that made it; gone with the job."""

    __tablename__ = "idempotency_keys"
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class DistilledAnswerRow(Base):
    """An answer that became a sample of a job, alone or with others that ask the same; each is of one job at most."""

    __tablename__ = "distilled_answers"
    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    sample_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class SampleRow(Base):
    """A sample as a job was given it, to work on or, by its `role`, to validate with.

    `quarantine_id`: under what it was held back, if it was. `unlabelled`: without a reference; `answer` is then the
    teacher's, if it has one.
    """

    __tablename__ = "samples"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    position: Mapped[int]
    question: Mapped[str] = mapped_column(Text)
    images: Mapped[list[str]] = mapped_column(default=list)
    answer: Mapped[str] = mapped_column(Text)
    unlabelled: Mapped[bool] = mapped_column(default=False)
    grader: Mapped[dict[str, Any]]
    tags: Mapped[list[str]] = mapped_column(default=list)
    role: Mapped[str] = mapped_column(default="work")
    quarantine_id: Mapped[str | None]


class QuarantinedSampleRow(Base):
    """A sample that may not be worked on until somebody accepted it; once a bank, by the digest of what it says."""

    __tablename__ = "quarantined_samples"
    __table_args__ = (UniqueConstraint("bank_id", "digest"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str]
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    sample_id: Mapped[str]
    found: Mapped[dict[str, Any]]
    accepted: Mapped[bool | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    reviewed_at: Mapped[datetime | None]


class ItemRow(Base):
    """The work on one sample in one epoch: what it retrieved (frozen for a resumed run) and what came of it."""

    __tablename__ = "job_items"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    status: Mapped[str]
    retrieval: Mapped[dict[str, Any] | None]
    outcome: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None]


class EventRow(Base):
    """Something that befell a job, numbered within it from 1."""

    __tablename__ = "job_events"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    event: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class TrajectoryRow(Base):
    """One attempt of the student. `unlabelled`: it was graded against the teacher's majority answer."""

    __tablename__ = "trajectories"
    __table_args__ = (UniqueConstraint("job_id", "epoch", "sample_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    epoch: Mapped[int]
    sample_id: Mapped[str]
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    final_answer: Mapped[str | None] = mapped_column(Text)
    chain: Mapped[dict[str, Any]] = mapped_column(default=dict)
    used: Mapped[list[str]] = mapped_column(default=list)
    correct: Mapped[bool]
    unlabelled: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(Text, default="")


class SolutionRow(Base):
    """The teacher's own solution of a sample. `unlabelled`: the majority of its solutions stands in for a reference."""

    __tablename__ = "solutions"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    final_answer: Mapped[str] = mapped_column(Text)
    chain: Mapped[dict[str, Any]] = mapped_column(default=dict)
    correct: Mapped[bool]
    rationalised: Mapped[bool]
    unlabelled: Mapped[bool] = mapped_column(default=False)


class CritiqueRow(Base):
    """The teacher's comparison for a sample."""

    __tablename__ = "critiques"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    verdicts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    operations: Mapped[list[dict[str, Any]]] = mapped_column(default=list)


class CallRow(Base):
    """One call of a model, unique by its key; with its text it is the checkpoint a resumed job reads.

    `outcome` is `ok` or `failed`; a failed key may be called again, and the row then tells the last.
    """

    __tablename__ = "model_calls"
    __table_args__ = (Index(None, "key_id", "created_at"),)
    call_key: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    bank_id: Mapped[str | None] = mapped_column(index=True)
    key_id: Mapped[str | None]
    owner: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    model: Mapped[str]
    fingerprint: Mapped[str]
    outcome: Mapped[str]
    text: Mapped[str | None] = mapped_column(Text)
    prompt_tokens: Mapped[int] = mapped_column(default=0)
    completion_tokens: Mapped[int] = mapped_column(default=0)
    cost_usd: Mapped[float | None]
    seconds: Mapped[float] = mapped_column(default=0.0)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)


class EvaluationRow(Base):
    """One question under one arm of an evaluation; every figure of a report is recomputed from these."""

    __tablename__ = "evaluation_rows"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    arm: Mapped[str] = mapped_column(primary_key=True)
    sample_id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    final_answer: Mapped[str] = mapped_column(Text)
    correct: Mapped[bool]
    experiences: Mapped[list[str]] = mapped_column(default=list)
    abstained: Mapped[bool]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cost_usd: Mapped[float | None]
    seconds: Mapped[float]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class RefusalRow(Base):
    """A cluster the teacher would not merge, by the sorted ids and versions in it; it is not asked again."""

    __tablename__ = "refusals"
    bank_id: Mapped[str] = mapped_column(ForeignKey("banks.id", ondelete="CASCADE"), primary_key=True)
    cluster: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    answer: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)


class FileRow(Base):
    """An uploaded file of samples; its bytes are in `file_parts`, by their hash."""

    __tablename__ = "files"
    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    filename: Mapped[str]
    purpose: Mapped[str]
    format: Mapped[str]
    bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(index=True)
    samples: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)


class FilePartRow(Base):
    """A part of a file's bytes, numbered from 0; the same bytes are kept once a project."""

    __tablename__ = "file_parts"
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ReplicaRow(Base):
    """A server of this database, by its name, and when it last told that it lives, by the database's clock."""

    __tablename__ = "replicas"
    name: Mapped[str] = mapped_column(primary_key=True)
    lives_at: Mapped[datetime]
