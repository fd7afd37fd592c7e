"""Answers in the store, with the exposures they made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select

from ted.answer import Answer, Arm, Cascaded, Latency, Mode, Trial
from ted.bank.caller import Caller
from ted.bank.codec import retrieval_from_json, retrieval_to_json
from ted.bank.database import Database
from ted.bank.feedback import KeptFeedback, feedback_on
from ted.bank.rows import store_images
from ted.bank.tables import AnswerRow, BankRow, ExposureRow
from ted.bank.usage import Asked, record_exposures
from ted.chat import Usage
from ted.errors import NotFound
from ted.experience import Retrieval


@dataclass(frozen=True, slots=True)
class Exposure:
    """Whether an experience was shown for an answer, and whether the student says it used it (None: not asked)."""

    shown: bool
    cited: bool | None


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was kept; `exposures` are by experience id, images by their sha256."""

    id: str
    bank_id: str
    question: str
    image_hashes: tuple[str, ...]
    text: str
    final_answer: str
    model: str
    mode: Mode
    retrieval: Retrieval
    exposures: dict[str, Exposure]
    usage: Usage
    latency: Latency
    trial: Trial
    cascaded: Cascaded | None
    harvested: bool
    created_at: datetime
    feedback: KeptFeedback | None

    @property
    def answered_by(self) -> str:
        """The name of the model whose answer it is; `model` is the student's."""
        taught = self.cascaded.teacher if self.cascaded else None
        return taught or self.model

    @property
    def escalated(self) -> bool:
        """Whether that was the teacher."""
        return self.cascaded is not None and self.cascaded.teacher is not None


def _cascaded(kept: dict[str, Any]) -> Cascaded:
    taught = kept["teacher_usage"]
    return Cascaded(
        **kept
        | {
            "answers": tuple(kept["answers"]),
            "student_usage": Usage(**kept["student_usage"]),
            "teacher_usage": Usage(**taught) if taught else None,
        }
    )


class AnswerStore:
    """A caller's answers; each method is one short transaction. `on_keep` is told of each answer that was kept."""

    def __init__(
        self,
        database: Database,
        caller: Caller,
        *,
        on_keep: Callable[[Answer], None] = lambda answer: None,
    ) -> None:
        self._database, self._caller, self._on_keep = database, caller, on_keep

    def keep(self, answer: Answer) -> None:
        """An answer, its images, and one exposure for each experience found for it, shown or withheld, unless the whole
        bank was left out or the teacher answered; kept once, a repeat changes nothing."""
        with self._database.writing() as session:
            if session.get(AnswerRow, answer.id) is not None:
                return
            bank = session.get(BankRow, answer.bank_id)
            if bank is None or not self._caller.has(bank):
                raise NotFound(f"bank {answer.bank_id} is gone")
            store_images(session, bank.project_id, answer.question.images)
            retrieval = retrieval_to_json(answer.retrieval)
            session.add(
                AnswerRow(
                    id=answer.id,
                    project_id=bank.project_id,
                    bank_id=bank.id,
                    question=answer.question.text,
                    images=[image.sha256 for image in answer.question.images],
                    text=answer.text,
                    final_answer=answer.final_answer,
                    student=answer.model,
                    mode=answer.mode,
                    revision=answer.retrieval.revision,
                    abstained=answer.retrieval.abstained,
                    arm=answer.trial.arm,
                    arm_propensity=answer.trial.propensity,
                    bypassed=answer.trial.bypassed,
                    cascade=asdict(answer.cascaded) if answer.cascaded else None,
                    harvested=answer.harvested,
                    images_not_searched=answer.retrieval.images_not_searched,
                    retrieved=retrieval["retrieved"],
                    demonstrations=retrieval["demonstrations"],
                    usage=asdict(answer.usage),
                    cost_usd=answer.usage.cost_usd,
                    latency_ms=asdict(answer.latency),
                )
            )
            session.flush()
            always = (
                answer.mode == "all"
            )  # shown whatever chance says: neither reason nor control of a success
            if not (always or answer.escalated or answer.trial.without_bank):
                asked = Asked(answer.id, "answer", answer.question)
                record_exposures(session, bank, asked, answer.retrieval, cited=answer.cited(), verdicts={})
        self._on_keep(answer)

    def get(self, answer_id: str) -> KeptAnswer:
        """Everything kept of an answer. Raises NotFound."""
        with self._database.reading() as session:
            row = session.get(AnswerRow, answer_id)
            if row is None or not self._caller.has(row):
                raise NotFound(f"there is no answer '{answer_id}'")
            exposed = session.scalars(select(ExposureRow).where(ExposureRow.asked_as == answer_id))
            exposures = {e.experience_id: Exposure(e.shown, e.cited) for e in exposed}
            if row.mode == "all":
                exposures = {r["experience"]["id"]: Exposure(True, None) for r in row.retrieved}
            retrieved = retrieval_from_json(
                {
                    "retrieved": row.retrieved,
                    "revision": row.revision,
                    "abstained": row.abstained,
                    "images_not_searched": row.images_not_searched,
                    "demonstrations": row.demonstrations,
                }
            )
            return KeptAnswer(
                id=row.id,
                bank_id=row.bank_id,
                question=row.question,
                image_hashes=tuple(row.images),
                text=row.text,
                final_answer=row.final_answer,
                model=row.student,
                mode=cast(Mode, row.mode),
                retrieval=retrieved,
                exposures=exposures,
                usage=Usage(**row.usage),
                latency=Latency(**row.latency_ms),
                trial=Trial(cast(Arm | None, row.arm), row.arm_propensity, row.bypassed),
                cascaded=_cascaded(row.cascade) if row.cascade else None,
                harvested=row.harvested,
                created_at=row.created_at,
                feedback=feedback_on(session, answer_id),
            )
