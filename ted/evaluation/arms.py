"""Under each arm: what is found for a question, who is asked, and what comes of it. METHOD "Evaluation"."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import assert_never

from ted.answer import Mode
from ted.answering import asked, retrieved_for
from ted.bank.bank import Bank
from ted.errors import BadInput
from ted.evaluation.rows import Arm, Given, Row, Vote
from ted.experience import Retrieval
from ted.gathering import all_of
from ted.grading.agreement import agreement_of
from ted.grading.grading import Grading
from ted.sample import Question, Sample
from ted.settings import CascadeSettings, RetrievalSettings
from ted.student import DISTILLING_TEMPERATURE, Student

MODES: dict[Arm, Mode] = {
    "none": "none",
    "copy": "demos",
    "demos": "demos",
    "retrieve": "retrieve",
    "all": "all",
    "irrelevant": "retrieve",
    "teacher": "none",
    "cascade": "retrieve",
}
"""What each arm shows; `copy` shows its demonstration to nobody but takes its answer."""


@dataclass(frozen=True, slots=True)
class Arms:
    """Whom the arms ask. `irrelevant`: the bank of another domain, where that arm is wanted; `demonstrations`: how many
    training samples are shown, None: as many as the bank's `k`; `cascade`: how often that arm asks the student, and
    from which agreement on the teacher is not needed."""

    bank: Bank
    student: Student
    teacher: Student
    grading: Grading
    irrelevant: Bank | None = None
    demonstrations: int | None = None
    cascade: CascadeSettings = field(default_factory=CascadeSettings)

    async def found(self, question: Question, arm: Arm) -> Retrieval:
        """What the arm shows for the question. Raises BadInput where it cannot be shown."""
        bank = self._bank(arm)
        return await retrieved_for(question, bank, MODES[arm], self._settings(bank, arm))

    def _bank(self, arm: Arm) -> Bank:
        if arm != "irrelevant":
            return self.bank
        if self.irrelevant is None:
            raise BadInput("the arm 'irrelevant' needs a bank of another domain: name it (--irrelevant-bank)")
        return self.irrelevant

    def _settings(self, bank: Bank, arm: Arm) -> RetrievalSettings:
        match arm:
            case "copy":
                return replace(bank.record.retrieval, k=1, token_budget=10**6)
            case "demos":
                settings = bank.record.retrieval
                return replace(settings, k=self.demonstrations or settings.k)
            case _:
                return bank.record.retrieval

    async def answered(self, sample: Sample, arm: Arm, retrieval: Retrieval, *, job_id: str) -> Row:
        """The question asked with what was found for it, and graded. Raises ModelFailure."""
        row = Row(
            arm=arm,
            sample=sample.id,
            question=sample.question.text,
            reference=sample.answer,
            final_answer="",
            correct=False,
            experiences=tuple(r.experience.id for r in retrieval.retrieved),
            abstained=retrieval.abstained,
            prompt_tokens=0,
            completion_tokens=0,
            cost_usd=0.0,
            seconds=0.0,
            demonstrations=tuple(d.sample_id for d in retrieval.demonstrations),
        )
        # The arm stands before the first colon, where it does not change the seed: arms are paired.
        head = f"{job_id}.{arm}:0:{sample.id}"
        match arm:
            case "copy":
                return await self._copied(row, sample, retrieval, head)
            case "cascade":
                return await self._cascaded(row, sample, retrieval, head)
            case "teacher":
                model, role = self.teacher, "teacher"
            case "none" | "demos" | "retrieve" | "all" | "irrelevant":
                model, role = self.student, "student"
            case _:
                assert_never(arm)
        given, reason = await self._given(sample, arm, retrieval, model, head, role)
        return _with(row, given, reason)

    async def _copied(self, row: Row, sample: Sample, retrieval: Retrieval, head: str) -> Row:
        if not retrieval.demonstrations:
            return replace(row, reason="the bank has no training sample")
        answer = retrieval.demonstrations[0].answer
        grade = await self.grading.grade(answer, sample=sample, call_key=f"{head}:judge:0")
        return replace(row, final_answer=answer, correct=grade.correct, reason=grade.reason)

    async def _given(
        self,
        sample: Sample,
        arm: Arm,
        retrieval: Retrieval,
        model: Student,
        head: str,
        role: str,
        number: int = 0,
        *,
        judged: int | None = None,
    ) -> tuple[Given, str]:
        """A reply that does not parse is graded as the text it is; `judged`: the number of its judgement, if another."""
        reply, attempt = await asked(
            model,
            sample.question,
            retrieval,
            MODES[arm],
            bank=self._bank(arm),
            call_key=f"{head}:{role}:{number}",
            temperature=DISTILLING_TEMPERATURE if (arm, role) == ("cascade", "student") else 0.0,
        )
        final = attempt.final_answer if attempt else reply.text.strip()
        judge_key = f"{head}:judge:{number if judged is None else judged}"
        grade = await self.grading.grade(final, sample=sample, call_key=judge_key)
        usage = reply.usage
        given = Given(
            final, grade.correct, usage.prompt_tokens, usage.completion_tokens, usage.cost_usd, reply.seconds
        )
        return given, grade.reason

    async def _cascaded(self, row: Row, sample: Sample, retrieval: Retrieval, head: str) -> Row:
        """The teacher is asked in any case, so that every threshold can be judged by the rows alone."""
        nothing = Retrieval((), retrieval.revision, abstained=False)
        asks = [
            self._given(sample, "cascade", retrieval, self.student, head, "student", n)
            for n in range(self.cascade.samples)
        ]
        teacher = self._given(
            sample, "cascade", nothing, self.teacher, head, "teacher", judged=self.cascade.samples
        )
        *students, (solution, _) = await all_of([*asks, teacher])
        answers = tuple(given for given, _ in students)
        agreed = await asyncio.to_thread(
            agreement_of, [given.final_answer for given in answers], grader=sample.grader
        )
        vote = Vote(answers, agreed.position, agreed.share, solution)
        return replace(_with(row, settled(vote, self.cascade.threshold), ""), vote=vote)


def settled(vote: Vote, threshold: float) -> Given:
    """The answer of a cascade at a threshold, with what all its calls took; the student's run beside each other."""
    asked = [*vote.student, vote.teacher] if vote.escalated(threshold) else list(vote.student)
    answer = vote.teacher if vote.escalated(threshold) else vote.student[vote.chosen]
    costs = [given.cost_usd for given in asked]
    waited = max(given.seconds for given in vote.student)
    return Given(
        answer.final_answer,
        answer.correct,
        sum(given.prompt_tokens for given in asked),
        sum(given.completion_tokens for given in asked),
        None if None in costs else sum(cost for cost in costs if cost is not None),
        waited + (vote.teacher.seconds if vote.escalated(threshold) else 0.0),
    )


def _with(row: Row, given: Given, reason: str) -> Row:
    return replace(
        row,
        final_answer=given.final_answer,
        correct=given.correct,
        prompt_tokens=given.prompt_tokens,
        completion_tokens=given.completion_tokens,
        cost_usd=given.cost_usd,
        seconds=given.seconds,
        reason=reason,
    )
