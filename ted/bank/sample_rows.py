"""Between rows and values: the samples of jobs. Used inside the caller's transaction."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.orm import Session

from ted.bank.codec import grader_from_json, grader_to_json
from ted.bank.job_tables import JobRow, SampleRow
from ted.bank.rows import load_images
from ted.sample import Question, Sample

SampleRole = Literal["work", "validation"]
"""Whether a job works on a sample, or only asks it to see what its work brought."""


VALIDATION = "validation:"
"""Before the ids of samples to validate with: a job may have others of the same ids."""


def sample_row(
    job: JobRow, position: int, sample: Sample, *, role: SampleRole = "work", quarantine_id: str | None = None
) -> SampleRow:
    """The row of a sample as the job was given it."""
    return SampleRow(
        job_id=job.id,
        id=f"{VALIDATION}{sample.id}" if role == "validation" else sample.id,
        project_id=job.project_id,
        position=position,
        question=sample.question.text,
        images=[image.sha256 for image in sample.question.images],
        answer=sample.answer,
        unlabelled=sample.unlabelled,
        grader=grader_to_json(sample.grader),
        tags=list(sample.tags),
        role=role,
        quarantine_id=quarantine_id,
    )


def sample_of(session: Session, row: SampleRow) -> Sample:
    """The value of a sample's row, images included."""
    question = Question(row.question, load_images(session, row.project_id, row.images))
    sample_id = row.id.removeprefix(VALIDATION) if row.role == "validation" else row.id
    grader, tags = grader_from_json(row.grader), tuple(row.tags)
    return Sample(sample_id, question, row.answer, grader, tags, row.unlabelled)
