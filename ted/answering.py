"""Answering a question with a bank: retrieve, ask the student, keep the answer and the usage of what it was shown.

Chance may withhold some of what was found: that is ted/bank/trials' affair.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import assert_never

from ted.answer import Answer, Latency, Mode, Trial
from ted.bank.answers import AnswerStore
from ted.bank.bank import Bank
from ted.bank.calls import CallStore, Owner
from ted.bank.embedding import QuestionVectors
from ted.bank.trials import conduct
from ted.chat import Reply
from ted.errors import BadInput
from ted.experience import Retrieval
from ted.ids import new_id
from ted.ledger import Ledger
from ted.sample import Question
from ted.settings import RetrievalSettings
from ted.student import Student
from ted.trajectory import Attempt


async def answer(
    question: Question,
    *,
    bank: Bank,
    student: Student,
    answers: AnswerStore,
    calls: CallStore,
    mode: Mode = "retrieve",
    settings: RetrievalSettings | None = None,
    answer_id: str | None = None,
    key_id: str | None = None,
) -> Answer:
    """One answer at temperature 0, kept with everything that explains it; its calls are the key's, in the ledger."""
    started = time.perf_counter()
    if not question.text.strip():
        raise BadInput("the question is empty: send a text that is not blank")
    vectors = await bank.embed_question(question) if mode != "none" else None
    embedded = time.perf_counter()
    retrieval = await retrieved_for(question, bank, mode, settings, vectors)
    answer_id = answer_id or new_id("ans")
    trial = Trial()
    if mode == "retrieve":  # who asks for all of it, or for demonstrations, gets that
        retrieval, trial = await asyncio.to_thread(
            conduct, bank.database, bank.id, question, retrieval, key=answer_id
        )
    found = time.perf_counter()
    ledger = Ledger(calls, Owner(bank.record.project_id, bank.id, answer_id, key_id))
    charged = replace(student, chat=ledger.around(student.chat))
    reply, attempt = await asked(
        charged, question, retrieval, mode, bank=bank, call_key=f"{answer_id}:0:0:student:0"
    )
    given = _answer(answer_id, bank.id, question, mode, retrieval, reply, attempt)
    latency = Latency.between(started, embedded, found, time.perf_counter())
    given = replace(given, latency=latency, trial=trial)
    await asyncio.to_thread(answers.keep, given)
    return given


async def retrieved_for(
    question: Question,
    bank: Bank,
    mode: Mode,
    settings: RetrievalSettings | None = None,
    vectors: QuestionVectors | None = None,
) -> Retrieval:
    """What the mode shows for a question: in `none`, nothing. Raises BadInput for a bank too large for `all`."""
    match mode:
        case "none":
            return Retrieval((), bank.record.revision, abstained=False)
        case "retrieve":
            return await bank.retrieve(question, settings, vectors=vectors)
        case "all":
            return await bank.whole(question, vectors=vectors)
        case "demos":
            return await bank.demonstrated(question, settings, vectors=vectors)
        case _:
            assert_never(mode)


async def asked(
    student: Student,
    question: Question,
    retrieval: Retrieval,
    mode: Mode,
    *,
    bank: Bank,
    call_key: str,
    temperature: float = 0.0,
) -> tuple[Reply, Attempt | None]:
    """The student's reply, with what the mode shows; the attempt is None where it could not be read."""
    pictures = await asyncio.to_thread(bank.pictures, retrieval) if retrieval.demonstrations else {}
    return await student.answer(
        question,
        retrieval,
        call_key=call_key,
        temperature=temperature,
        whole=mode == "all",
        pictures=pictures,
    )


def _answer(
    answer_id: str,
    bank_id: str,
    question: Question,
    mode: Mode,
    retrieval: Retrieval,
    reply: Reply,
    attempt: Attempt | None,
) -> Answer:
    return Answer(
        id=answer_id,
        bank_id=bank_id,
        question=question,
        mode=mode,
        text=reply.text,
        final_answer=attempt.final_answer if attempt else reply.text.strip(),
        attempt=attempt,
        retrieval=retrieval,
        model=reply.model,
        usage=reply.usage,
        latency=Latency(0.0, 0.0, 0.0, 0.0),
    )
