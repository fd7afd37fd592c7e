"""Grading as flows hold it: what can be told by itself is told in a thread, what means the same is asked of the judge."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from ted.asking import ask
from ted.chat import ChatModel, ChatRequest
from ted.errors import BadSetting, ModelFailure, UnparsableOutput
from ted.grading.agreement import Agreement, agreement_of
from ted.grading.exact import bare
from ted.grading.grade import grade
from ted.prompts.judge import judge_messages
from ted.prompts.outputs import JudgeOutput
from ted.prompts.parsing import parsed_json
from ted.sample import Choice, Exact, Json, Judge, Math, Numeric, Regex, Sample
from ted.trajectory import Grade

JUDGE_TOKENS = 256
"""Of a judgement; it has one word, but some models think first."""


@dataclass(frozen=True, slots=True)
class Grading:
    """Who grades. `judge` is asked where a sample says so; None where no sample of the flow does."""

    judge: ChatModel | None = None

    async def grade(self, final_answer: str, *, sample: Sample, call_key: str) -> Grade:
        """Right or wrong, with the reason where wrong. `call_key` names the judge's call, if there is one.

        Raises ModelFailure where the judge could not be made to judge.
        """
        match sample.grader:
            case Judge():
                return await self._judged(final_answer, sample, call_key)
            case Regex() | Math():
                return await asyncio.to_thread(
                    grade, final_answer, reference=sample.answer, grader=sample.grader
                )
            case Exact() | Numeric() | Choice() | Json():
                return grade(final_answer, reference=sample.answer, grader=sample.grader)
            case _:
                assert_never(sample.grader)

    async def agreement(self, answers: Sequence[str], *, sample: Sample, key: str) -> Agreement:
        """Which of the answers, at least one, are one in the eyes of the sample's grader; `exact`: what they look like
        decides. Each is held against the first of each group before it; `key` heads the call keys of a judge.

        Raises ModelFailure where the judge could not be made to judge.
        """
        if not isinstance(sample.grader, Judge):
            grader = None if isinstance(sample.grader, Exact) else sample.grader
            return await asyncio.to_thread(agreement_of, answers, grader=grader)
        groups: list[list[int]] = []
        for n, answer in enumerate(answers):
            for group in groups:
                other = replace(sample, answer=answers[group[0]])
                call_key = f"{key}:judge-vote:{n * len(answers) + group[0]}"
                if (await self._judged(answer, other, call_key)).correct:
                    group.append(n)
                    break
            else:
                groups.append([n])
        return Agreement.of(answers, groups)

    async def _judged(self, final_answer: str, sample: Sample, call_key: str) -> Grade:
        """The same text is not asked about, and an empty one neither."""
        if bare(final_answer) == bare(sample.answer):
            return Grade(True)
        if not final_answer.strip():
            return Grade(False, "the answer is empty")
        if self.judge is None:
            raise BadSetting(
                f"sample {sample.id} is to be judged by a model, but none is configured: set TED_JUDGE"
            )
        messages = judge_messages(sample.question.text, sample.answer, final_answer)
        request = ChatRequest(call_key, messages, max_tokens=JUDGE_TOKENS, schema=JudgeOutput.schema_sent())
        try:
            said = await ask(self.judge, request, lambda text: parsed_json(text, JudgeOutput))
        except UnparsableOutput as error:
            raise ModelFailure(f"the judge '{self.judge.name}' gave no judgement: {error}") from error
        return Grade(True) if said.same else Grade(False, f"{self.judge.name}: not the same as the reference")


def needs_judge(samples: Iterable[Sample]) -> bool:
    """Whether any of the samples is graded by a model."""
    return any(isinstance(sample.grader, Judge) for sample in samples)
