"""The teacher: solves, explains, critiques, mends, merges and rewrites. What is done with it is the flows' affair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ted.asking import ask
from ted.chat import ChatModel, ChatRequest, Message
from ted.errors import UnfitOutput, UnparsableOutput
from ted.experience import Experience, Retrieval
from ted.gathering import all_of
from ted.grading.grading import Grading
from ted.operations import Add, Merge, Rewrite
from ted.profile import Profile
from ted.prompts.outputs import (
    AttemptOutput,
    ChainOutput,
    CritiqueOutput,
    MergeDecision,
    Output,
    WordingOutput,
)
from ted.prompts.parsing import OutputT, parsed_attempt, parsed_chain, parsed_critique, parsed_json
from ted.prompts.teacher import (
    Failure,
    Shown,
    compress_messages,
    critique_messages,
    explain_messages,
    mend_messages,
    merge_messages,
    rewrite_messages,
    solve_messages,
)
from ted.sample import Question, Sample
from ted.tokens import estimated_tokens
from ted.trajectory import Attempt, Chain, Critique, Solution


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model with a profile. `key` heads the call keys of each method."""

    chat: ChatModel
    profile: Profile

    async def solve(self, sample: Sample, *, key: str, grading: Grading) -> Solution:
        """Independently, with the images; wrong, once more; wrong again, an explanation of the reference."""
        unparsable: list[str] = []
        for n in range(self.profile.solves):
            messages = solve_messages(sample.question, self.profile.form)
            attempt = await self._attempt(messages, f"{key}:solve:{n}", n, unparsable)
            if attempt and await self._is_right(attempt, sample, f"{key}:judge-solution:{n}", grading):
                return Solution(attempt, correct=True, unparsable=tuple(unparsable))
        stated = Attempt(Chain(), sample.answer)
        if not self.profile.explains:
            return Solution(stated, correct=False, unparsable=tuple(unparsable))
        messages = explain_messages(sample, self.profile.form)
        explained = await self._attempt(messages, f"{key}:explain:0", 0, unparsable)
        return Solution(explained or stated, correct=False, rationalised=True, unparsable=tuple(unparsable))

    async def votes(
        self, question: Question, *, key: str, times: int
    ) -> tuple[list[Attempt | None], tuple[str, ...]]:
        """So many solutions that know nothing of each other, in the order of their numbers, None where one could not be
        read; and what was wrong with these."""
        messages, unparsable = solve_messages(question, self.profile.form), _lists(times)
        attempts = await all_of(
            self._attempt(messages, f"{key}:solve:{n}", n, unparsable[n]) for n in range(times)
        )
        return attempts, tuple(problem for problems in unparsable for problem in problems)

    async def _is_right(self, attempt: Attempt, sample: Sample, call_key: str, grading: Grading) -> bool:
        return (await grading.grade(attempt.final_answer, sample=sample, call_key=call_key)).correct

    async def _attempt(
        self, messages: tuple[Message, ...], call_key: str, nth: int, unparsable: list[str]
    ) -> Attempt | None:
        request = ChatRequest(
            call_key,
            messages,
            max_tokens=self.profile.solve_tokens,
            temperature=0.7 if nth else 0.0,
            schema=AttemptOutput.schema_sent() if self.profile.form == "chain" else None,
        )
        try:
            return await ask(self.chat, request, lambda text: parsed_attempt(text, self.profile.form))
        except UnparsableOutput as error:
            unparsable.append(f"{call_key.rsplit(':', 2)[1]} {nth}: {error}")
            return None

    async def compressed(self, trace: str, *, call_key: str) -> Chain | None:
        """The structure of a trace over the profile's `trace_tokens`, None for a shorter one. Raises UnparsableOutput."""
        if estimated_tokens(trace) <= self.profile.trace_tokens:
            return None
        return await ask(
            self.chat, self._request(call_key, compress_messages(trace), ChainOutput), parsed_chain
        )

    async def critique(
        self, sample: Sample, solution: Solution, shown: Sequence[Shown], retrieval: Retrieval, *, key: str
    ) -> Critique:
        """The comparison and at most two operations. Raises UnparsableOutput."""
        messages = critique_messages(sample, solution, shown, retrieval, self.profile.form)
        if self.profile.form == "short":
            request = self._request(f"{key}:critique:0", messages, WordingOutput)
            wording = await ask(self.chat, request, lambda text: parsed_json(text, WordingOutput))
            return Critique((), {}, (Add(wording.when_to_use, wording.content),))
        request = self._request(f"{key}:critique:0", messages, CritiqueOutput)
        return await ask(self.chat, request, lambda text: parsed_critique(text, retrieval))

    async def mend(
        self, sample: Sample, proposal: Add | Rewrite | Merge, problems: Sequence[str], *, call_key: str
    ) -> WordingOutput:
        """The proposal written anew, with its problems at hand. Raises UnparsableOutput."""
        request = self._request(call_key, mend_messages(sample, proposal, problems), WordingOutput)
        return await ask(self.chat, request, lambda text: parsed_json(text, WordingOutput))

    async def merge(
        self,
        experiences: Sequence[Experience],
        *,
        call_key: str,
        problems: Callable[[MergeDecision], Sequence[str]] = lambda decision: (),
    ) -> MergeDecision:
        """One text in place of several, several, or `distinct`. Raises UnparsableOutput.

        `problems`: what guards say of a reply; it is asked for again with them, and refused at last as UnfitOutput.
        """
        request = self._request(call_key, merge_messages(experiences), MergeDecision)
        return await ask(self.chat, request, lambda text: _fit(text, MergeDecision, problems))

    async def rewrite(
        self,
        experience: Experience,
        failures: Sequence[Failure],
        *,
        call_key: str,
        problems: Callable[[WordingOutput], Sequence[str]] = lambda wording: (),
    ) -> WordingOutput:
        """An experience written anew with its failures at hand. Raises UnparsableOutput; `problems` as in `merge`."""
        request = self._request(call_key, rewrite_messages(experience, failures), WordingOutput)
        return await ask(self.chat, request, lambda text: _fit(text, WordingOutput, problems))

    def _request(self, call_key: str, messages: tuple[Message, ...], shape: type[Output]) -> ChatRequest:
        return ChatRequest(
            call_key, messages, max_tokens=self.profile.critique_tokens, schema=shape.schema_sent()
        )


def _lists(count: int) -> list[list[str]]:
    return [[] for _ in range(count)]


def _fit(text: str, shape: type[OutputT], problems: Callable[[OutputT], Sequence[str]]) -> OutputT:
    output = parsed_json(text, shape)
    if found := problems(output):
        raise UnfitOutput(" ".join(found), text=text)
    return output
