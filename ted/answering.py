"""Answering a question with a bank: retrieve, ask the student, keep the answer and the usage of what it was shown.

Chance may withhold some of what was found: that is ted/bank/trials' affair.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import assert_never

from ted.answer import Answer, Cascaded, Latency, Mode, Trial
from ted.bank.answers import AnswerStore
from ted.bank.bank import Bank
from ted.bank.calls import CallStore, Owner
from ted.bank.embedding import QuestionVectors
from ted.bank.trials import conduct
from ted.cascading import Said, decided, no_teacher, total_usage
from ted.chat import Reply
from ted.errors import BadInput
from ted.experience import Retrieval
from ted.ids import new_id
from ted.ledger import Ledger
from ted.sample import Question
from ted.settings import CascadeSettings, RetrievalSettings
from ted.student import DISTILLING_TEMPERATURE, Student
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
    teacher: Student | None = None,
    cascade: CascadeSettings | None = None,
    answer_id: str | None = None,
    key_id: str | None = None,
) -> Answer:
    """One answer at temperature 0, or by a cascade, kept with all that explains it; its calls are the key's, in the ledger.

    `cascade`: None is the bank's. Raises BadSetting where it needs a teacher and there is none.
    """
    started = time.perf_counter()
    record = await asyncio.to_thread(lambda: bank.record)
    cascade = record.cascade if cascade is None else cascade
    escalates = cascade.escalate == "on_disagreement"
    if escalates and teacher is None:
        raise no_teacher()
    if not question.text.strip():
        raise BadInput("the question is empty: send a text that is not blank")
    vectors = await bank.embed_question(question) if mode != "none" else None
    embedded = time.perf_counter()
    retrieval = await retrieved_for(question, bank, mode, settings, vectors)
    answer_id = answer_id or new_id("ans")
    trial = Trial()
    if mode == "retrieve":  # who asks for all of it, or for demonstrations, gets that
        retrieval, trial = await asyncio.to_thread(
            conduct, bank.database, bank.id, question, retrieval, key=answer_id, by_chance=not escalates
        )
    found = time.perf_counter()
    ledger = Ledger(calls, Owner(record.project_id, bank.id, answer_id, key_id))
    charged = replace(student, chat=ledger.around(student.chat))
    asking = _Asking(charged, question, retrieval, mode, bank, f"{answer_id}:0:0")
    cascaded: Cascaded | None = None
    if escalates and teacher is not None:
        taught = replace(teacher, chat=ledger.around(teacher.chat))
        said, cascaded = await decided(asking.drawn, lambda: asking.solved_by(taught), settings=cascade)
    else:
        said = await asking.once(0, temperature=0.0)
    given = Answer(
        id=answer_id,
        bank_id=bank.id,
        question=question,
        mode=mode,
        text=said.reply.text,
        final_answer=said.final_answer,
        attempt=said.read,
        retrieval=retrieval,
        model=cascaded.student if cascaded else said.reply.model,
        usage=total_usage(cascaded) if cascaded else said.reply.usage,
        latency=Latency.between(started, embedded, found, time.perf_counter()),
        trial=trial,
        cascaded=cascaded,
    )
    given = replace(given, harvested=cascade.harvest and given.escalated)
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


@dataclass(frozen=True, slots=True)
class _Asking:
    """A question as it is asked for one answer; `head` heads the call keys."""

    student: Student
    question: Question
    retrieval: Retrieval
    mode: Mode
    bank: Bank
    head: str

    async def once(self, number: int, *, temperature: float) -> Said[Attempt | None]:
        """What the student says, with what was found."""
        return _said(
            *await asked(
                self.student,
                self.question,
                self.retrieval,
                self.mode,
                bank=self.bank,
                call_key=f"{self.head}:student:{number}",
                temperature=temperature,
            )
        )

    async def drawn(self, number: int) -> Said[Attempt | None]:
        """The same as one of several that may differ."""
        return await self.once(number, temperature=DISTILLING_TEMPERATURE)

    async def solved_by(self, teacher: Student) -> Said[Attempt | None]:
        """What the teacher says by itself: what the bank has was made for the student."""
        nothing = Retrieval((), self.retrieval.revision, abstained=False)
        return _said(*await teacher.answer(self.question, nothing, call_key=f"{self.head}:teacher:0"))


def _said(reply: Reply, attempt: Attempt | None) -> Said[Attempt | None]:
    return Said(reply, attempt.final_answer if attempt else reply.text.strip(), attempt)
