"""What a compression reads of a bank at one revision, and the refusals it remembers. Deciding is ted/compression's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import literal, or_, select
from sqlalchemy.orm import Session

from ted.bank.codec import grader_from_json
from ted.bank.database import Database
from ted.bank.job_tables import RefusalRow, SampleRow, TrajectoryRow
from ted.bank.retriever import bank_row
from ted.bank.rows import experiences_of
from ted.bank.tables import AnswerRow, ExperienceRow, ExposureRow, RevisionRow
from ted.bank.usage import UsageStats, same_text, usage_of
from ted.experience import Experience
from ted.sample import Question, Sample

UNUSED = UsageStats(0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """An active experience, how it was used in its present version, and the revision it was made at."""

    experience: Experience
    usage: UsageStats
    created_revision: int


@dataclass(frozen=True, slots=True)
class Survey:
    """A bank at one revision: its bound, its active experiences oldest first, and the refusals by cluster."""

    revision: int
    max_experiences: int
    max_tokens: int
    standings: tuple[Standing, ...]
    refusals: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A question that went wrong with an experience shown. `sample` is None where no reference is known."""

    question: str
    answered: str
    sample: Sample | None


class CompressionStore:
    """Reads banks for compressions; each method is one short transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def survey(self, bank_id: str) -> Survey:
        """The bank as it stands now. Raises NotFound."""
        with self._database.reading() as session:
            bank = bank_row(session, bank_id)
            rows = session.scalars(
                select(ExperienceRow)
                .where(ExperienceRow.bank_id == bank_id, ExperienceRow.status == "active")
                .order_by(ExperienceRow.id)
            ).all()
            usage = usage_of(session, bank_id)
            standings = tuple(
                Standing(experience, usage.get(experience.id, UNUSED), row.created_revision)
                for experience, row in zip(experiences_of(session, rows), rows, strict=True)
            )
            refusals = session.execute(
                select(RefusalRow.cluster, RefusalRow.answer).where(RefusalRow.bank_id == bank_id)
            )
            return Survey(
                bank.revision, bank.max_experiences, bank.max_tokens, standings, dict(refusals.tuples().all())
            )

    def wrong_answers(self, bank_id: str, experience: Experience, *, most: int) -> list[WrongAnswer]:
        """The newest questions that went wrong more often than not with this version shown, not its own sources."""
        e = ExposureRow
        query = (
            select(e)
            .where(
                e.bank_id == bank_id,
                e.experience_id == experience.id,
                same_text(literal(experience.id), e.version, literal(experience.version)),
            )
            .where(e.shown, ~e.own_source, e.outcome < 0.5)
            .order_by(e.id.desc())
            .limit(most)
        )
        with self._database.reading() as session:
            found = (_wrong_answer(session, exposure) for exposure in session.scalars(query).all())
            return [answer for answer in found if answer]

    def remember(self, bank_id: str, refusals: Mapping[str, str]) -> None:
        """The teacher need not be asked about these again; the first answer of each stays."""
        with self._database.writing() as session:
            bank = bank_row(session, bank_id)
            for cluster, answer in refusals.items():
                if session.get(RefusalRow, (bank_id, cluster)) is None:
                    session.add(
                        RefusalRow(
                            bank_id=bank_id, cluster=cluster, project_id=bank.project_id, answer=answer
                        )
                    )
                    session.flush()

    def batch_follows(self, job_id: str, epoch: int, batch: int, *, reason: str) -> bool:
        """Whether a later batch of the job has been applied for this reason."""
        r = RevisionRow
        later = or_(r.epoch > epoch, (r.epoch == epoch) & (r.batch > batch))
        query = select(r.revision).where(r.job_id == job_id, r.reason == reason, later).limit(1)
        with self._database.reading() as session:
            return session.scalar(query) is not None


def signature(experiences: Iterable[Experience]) -> str:
    """What a refusal is remembered by: the sorted ids and versions."""
    return ",".join(sorted(f"{e.id}:{e.version}" for e in experiences))


def _wrong_answer(session: Session, exposure: ExposureRow) -> WrongAnswer | None:
    if exposure.origin == "answer":
        answer = session.get(AnswerRow, exposure.asked_as)
        return WrongAnswer(answer.question, answer.final_answer, None) if answer else None
    job_id, epoch, sample_id = exposure.asked_as.split(":", 2)
    row = session.get(SampleRow, (job_id, sample_id))
    if row is None:
        return None
    t = TrajectoryRow
    wrong = session.scalar(
        select(t.final_answer)
        .where(t.job_id == job_id, t.epoch == int(epoch), t.sample_id == sample_id, ~t.correct)
        .order_by(t.number)
        .limit(1)
    )
    sample = Sample(row.id, Question(row.question), row.answer, grader_from_json(row.grader))
    return WrongAnswer(row.question, wrong or "(nothing that could be read)", sample)
