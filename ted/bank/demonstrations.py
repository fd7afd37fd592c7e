"""Finds the solved training samples nearest to a question. Showing them to a student is ted/prompts' affair."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from index.protocols import Vectors
from index.ranking import similarities
from ted.bank.database import Database
from ted.bank.embedding import Embedders, QuestionVectors
from ted.bank.job_tables import JobRow
from ted.bank.rows import load_images
from ted.bank.tables import BankRow
from ted.bank.training import Trained, trained_on
from ted.experience import Demonstration
from ted.sample import Question, Regex
from ted.tokens import estimated_tokens


@dataclass(frozen=True, slots=True)
class _Known:
    """The samples of the distillations up to one, with a row of text each, and rows of its images."""

    upto: tuple[int, str | None]
    samples: Sequence[Trained]
    texts: Vectors
    images: Sequence[Vectors]


class Demonstrations:
    """The training samples of one bank, embedded in this process when first asked for. Thread-safe."""

    def __init__(self, bank_id: str, *, database: Database, embedders: Embedders) -> None:
        self._bank_id, self._database, self._embedders = bank_id, database, embedders
        self._lock = threading.Lock()
        self._known: _Known | None = None

    def nearest(
        self, question: Question, *, k: int, token_budget: int, vectors: QuestionVectors | None = None
    ) -> tuple[Demonstration, ...]:
        """At most k, nearest first, ties by sample id; question and answer of all within the budget, none cut.

        Similarity is the cosine of the texts; where both sides have images and the bank embeds them, the mean of that
        and of the best cosine between images. A sample graded by a pattern, or unlabelled, has no answer to show.
        """
        vectors = vectors or self._embedders.embed_question(question)
        with self._lock:
            known = self._caught_up()
        found: list[Demonstration] = []
        spent = 0
        near = _similarities(vectors, known)
        for n in sorted(range(len(near)), key=lambda n: (-near[n], known.samples[n].sample_id)):
            sample = known.samples[n]
            cost = estimated_tokens(sample.question) + estimated_tokens(sample.answer)
            if len(found) < k and spent + cost <= token_budget:
                spent += cost
                found.append(
                    Demonstration(sample.sample_id, sample.question, sample.images, sample.answer, near[n])
                )
        return tuple(found)

    def _caught_up(self) -> _Known:
        with self._database.reading() as session:
            upto = _upto(session, self._bank_id)
            if self._known is not None and self._known.upto == upto:
                return self._known
            trained = trained_on(session, self._bank_id)
            samples = [s for s in trained if not (s.unlabelled or isinstance(s.grader, Regex))]
            project = session.get_one(BankRow, self._bank_id).project_id
            pictures = [load_images(session, project, s.images) for s in samples]
        texts = self._embedders.text.embed_texts([s.question for s in samples])
        image = self._embedders.image
        nothing = np.zeros((0, 1), dtype=np.float32)
        images = [
            image.embed_images([p.data for p in drawn]) if image and drawn else nothing for drawn in pictures
        ]
        self._known = _Known(upto, samples, texts, images)
        return self._known


def _upto(session: Session, bank_id: str) -> tuple[int, str | None]:
    query = select(func.count(), func.max(JobRow.id))
    count, newest = session.execute(
        query.where(JobRow.bank_id == bank_id, JobRow.kind == "distillation")
    ).one()
    return count, newest


def _similarities(vectors: QuestionVectors, known: _Known) -> list[float]:
    if not known.samples:
        return []
    texts = similarities(known.texts, vectors["text"][0])
    asked = vectors.get("image")
    return [
        float(text) if asked is None or not len(drawn) else (float(text) + float((drawn @ asked.T).max())) / 2
        for text, drawn in zip(texts, known.images, strict=True)
    ]
