"""The samples that a bank was distilled from, as they are kept: read by their texts and images, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ted.bank.codec import grader_from_json
from ted.bank.job_tables import JobRow, QuarantinedSampleRow, SampleRow
from ted.bank.tables import ExperienceRow, KeyRow
from ted.sample import Grader
from ted.texts import normalised


@dataclass(frozen=True, slots=True)
class Trained:
    """A sample that some distillation of a bank was given; images by sha256. `unlabelled`: the answer is nobody's."""

    job_id: str
    sample_id: str
    question: str
    images: tuple[str, ...]
    answer: str
    grader: Grader
    unlabelled: bool = False

    @property
    def asked(self) -> tuple[str, tuple[str, ...]]:
        """What makes two questions one: the normalised text, and the same images in any order."""
        return normalised(self.question), tuple(sorted(self.images))


def trained_on(session: Session, bank_id: str) -> list[Trained]:
    """All of them, each question once: with the answer of the newest distillation that asked it and had one. None that

    is held back.
    """
    rows = session.scalars(
        select(SampleRow)
        .join(JobRow, JobRow.id == SampleRow.job_id)
        .outerjoin(QuarantinedSampleRow, QuarantinedSampleRow.id == SampleRow.quarantine_id)
        .where(JobRow.bank_id == bank_id, JobRow.kind == "distillation", SampleRow.role == "work")
        .where(SampleRow.quarantine_id.is_(None) | QuarantinedSampleRow.accepted.is_(True))
        .order_by(JobRow.id.desc(), SampleRow.position)
    )
    found: dict[tuple[str, tuple[str, ...]], Trained] = {}
    for row in rows:
        grader = grader_from_json(row.grader)
        images = tuple(row.images)
        sample = Trained(row.job_id, row.id, row.question, images, row.answer, grader, row.unlabelled)
        known = found.get(sample.asked)
        if known is None or (known.unlabelled and not sample.unlabelled):
            found[sample.asked] = sample
    return list(found.values())


def question_keys(session: Session, bank_id: str) -> list[str]:
    """The questions that experiences of the bank are found by, whatever their status."""
    query = (
        select(KeyRow.text)
        .join(ExperienceRow, ExperienceRow.id == KeyRow.experience_id)
        .where(ExperienceRow.bank_id == bank_id, KeyRow.kind == "question")
    )
    return list(session.scalars(query.distinct().order_by(KeyRow.text)))
