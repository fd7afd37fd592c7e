"""Between rows and values: the samples of jobs. Used inside the caller's transaction."""

from __future__ import annotations

from sqlalchemy.orm import Session

from ted.bank.codec import grader_from_json, grader_to_json
from ted.bank.job_tables import JobRow, SampleRow
from ted.bank.rows import load_images
from ted.sample import Question, Sample


def sample_row(job: JobRow, position: int, sample: Sample) -> SampleRow:
    """The row of a sample as the job was given it."""
    return SampleRow(
        job_id=job.id,
        id=sample.id,
        project_id=job.project_id,
        position=position,
        question=sample.question.text,
        images=[image.sha256 for image in sample.question.images],
        answer=sample.answer,
        unlabelled=sample.unlabelled,
        grader=grader_to_json(sample.grader),
        tags=list(sample.tags),
    )


def sample_of(session: Session, row: SampleRow) -> Sample:
    """The value of a sample's row, images included."""
    question = Question(row.question, load_images(session, row.project_id, row.images))
    grader, tags = grader_from_json(row.grader), tuple(row.tags)
    return Sample(row.id, question, row.answer, grader, tags, row.unlabelled)
