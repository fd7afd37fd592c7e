"""Answers in the store, with the exposures they made."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ted.answer import Answer
from ted.bank.codec import retrieval_to_json
from ted.bank.database import Database
from ted.bank.rows import store_images
from ted.bank.tables import AnswerRow, BankRow
from ted.bank.usage import Asked, record_exposures
from ted.errors import NotFound


class AnswerStore:
    """Reads and writes answers; each method is one short transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, answer: Answer) -> None:
        """An answer, its images, and one exposure for each experience it was shown; kept once, a repeat changes nothing."""
        with self._database.writing() as session:
            if session.get(AnswerRow, answer.id) is not None:
                return
            bank = session.get(BankRow, answer.bank_id)
            if bank is None:
                raise NotFound(f"bank {answer.bank_id} is gone")
            store_images(session, bank.project_id, answer.question.images)
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
                    retrieved=retrieval_to_json(answer.retrieval)["retrieved"],
                    usage=asdict(answer.usage),
                    cost_usd=answer.usage.cost_usd,
                    latency_ms=asdict(answer.latency),
                )
            )
            session.flush()
            asked = Asked(answer.id, "answer", answer.question)
            record_exposures(session, bank, asked, answer.retrieval, cited=answer.cited(), verdicts={})

    def get(self, answer_id: str) -> dict[str, Any]:
        """Everything kept of an answer. Raises NotFound."""
        with self._database.reading() as session:
            row = session.get(AnswerRow, answer_id)
            if row is None:
                raise NotFound(f"there is no answer {answer_id}")
            return {c.name: getattr(row, c.name) for c in AnswerRow.__table__.columns}
