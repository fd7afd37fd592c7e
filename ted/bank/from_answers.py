"""Answers that become samples: which may, of which job they are then, and how they come back from one that ended early.

All of it in the caller's transaction; when a sample may be learned from is told in docs/cascade.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session, load_only

from ted.bank.job_tables import DistilledAnswerRow, ItemRow, JobRow, SampleRow
from ted.bank.rows import load_images
from ted.bank.tables import AnswerRow, FeedbackRow, RevisionRow
from ted.errors import Conflict
from ted.sample import Question, Sample
from ted.texts import normalised

MOST = 1_000
"""Samples that one distillation takes; what is left waits for the next."""


@dataclass(frozen=True, slots=True)
class FromAnswers:
    """Samples, oldest first, each under the id of the answer it was made of; `parts`: by the id of each answer that
    asks the same as one of them, that sample's id."""

    samples: tuple[Sample, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)


def from_answers(session: Session, bank_id: str, *, theirs: Any) -> FromAnswers:
    """What was answered not wholly right and has an accepted reference; and unlabelled, with what the teacher answered,
    what was harvested, unless somebody says that it was not right either.

    Each question once: with the newest reference, or else the newest answer of the teacher. Conversations without a
    question to search by are left out, and answers that are part of a job. `theirs`: which answers there are.
    """
    f, a = FeedbackRow, AnswerRow
    taken = select(DistilledAnswerRow.answer_id).where(DistilledAnswerRow.answer_id == a.id).exists()
    referenced = and_(f.accepted.is_(True), f.reference.is_not(None), f.outcome < 1)
    harvested = and_(a.harvested.is_(True), or_(f.outcome.is_(None), f.outcome == 1))
    query = (
        select(a, f.reference, referenced)
        .outerjoin(f, f.answer_id == a.id)
        .where(a.bank_id == bank_id, theirs, a.question != "", ~taken, or_(referenced, harvested))
        .options(load_only(a.id, a.project_id, a.question, a.images, a.final_answer))
        .order_by(a.id)
    )
    asked: dict[tuple[str, tuple[str, ...]], list[tuple[AnswerRow, str | None]]] = {}
    for row, reference, is_referenced in session.execute(query):
        same = normalised(row.question), tuple(sorted(row.images))
        asked.setdefault(same, []).append((row, reference if is_referenced else None))
    chosen = [_newest(group) for group in asked.values()]
    kept = sorted(zip(chosen, asked.values(), strict=True), key=lambda pair: pair[0][0].id)[:MOST]
    return FromAnswers(
        tuple(_sample(session, row, reference) for (row, reference), _ in kept),
        {answer.id: row.id for (row, _), group in kept for answer, _ in group},
    )


def take(session: Session, job: JobRow, parts: Mapping[str, str]) -> None:
    """The answers are the job's from now on. Raises Conflict where one is another's already."""
    for answer_id, sample_id in parts.items():
        row = session.get(DistilledAnswerRow, answer_id)
        if row is not None and row.job_id != job.id:
            raise Conflict(
                f"answer {answer_id} is a sample of job {row.job_id} by now: ask for what there is again"
            )
        if row is None:
            session.add(
                DistilledAnswerRow(
                    answer_id=answer_id, project_id=job.project_id, job_id=job.id, sample_id=sample_id
                )
            )
    session.flush()


def take_again(session: Session, job: JobRow, sample_ids: Collection[str]) -> None:
    """Before a job's failed items are worked on again: those of its samples that were answers. Raises Conflict."""
    if job.request.get("from_feedback"):
        take(session, job, {sample_id: sample_id for sample_id in sample_ids})


def give_back(session: Session, job: JobRow) -> None:
    """When a job failed or was cancelled: the answers of samples that nothing in the bank came of, or could.

    What was worked on in a batch that is settled stays the job's: it has done what it does.
    """
    if not job.request.get("from_feedback"):
        return
    samples = session.execute(select(SampleRow.id, SampleRow.position).where(SampleRow.job_id == job.id))
    settled = set(
        session.scalars(select(RevisionRow.batch).where(RevisionRow.job_id == job.id, RevisionRow.epoch == 0))
    )
    failed = set(
        session.scalars(select(ItemRow.sample_id).where(ItemRow.job_id == job.id, ItemRow.status == "failed"))
    )
    size = int(job.request["batch_size"])
    back = [
        sample_id for sample_id, position in samples if position // size not in settled or sample_id in failed
    ]
    d = DistilledAnswerRow
    session.execute(delete(d).where(d.job_id == job.id, d.sample_id.in_(back)))


def _newest(group: list[tuple[AnswerRow, str | None]]) -> tuple[AnswerRow, str | None]:
    return next((pair for pair in reversed(group) if pair[1] is not None), group[-1])


def _sample(session: Session, row: AnswerRow, reference: str | None) -> Sample:
    question = Question(row.question, load_images(session, row.project_id, row.images))
    if reference is not None:
        return Sample(row.id, question, reference)
    return Sample(row.id, question, row.final_answer, unlabelled=True)
