"""The student: attempts at a question with experiences as advice. Grading them is ted/grading's affair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ted.asking import ask
from ted.chat import ChatModel, ChatRequest, Message, Reply
from ted.errors import UnparsableOutput
from ted.experience import Retrieval
from ted.gathering import all_of
from ted.profile import Profile
from ted.prompts.outputs import AttemptOutput
from ted.prompts.parsing import parsed_attempt
from ted.prompts.student import attempt_messages
from ted.sample import Image, Question
from ted.trajectory import Attempt

DISTILLING_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True)
class Written:
    """What the student wrote; `attempt` is None where it could not be read, and `problem` says why."""

    text: str
    attempt: Attempt | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Student:
    """A model with a profile."""

    chat: ChatModel
    profile: Profile

    async def attempt(
        self, question: Question, retrieval: Retrieval, *, key: str, times: int
    ) -> list[Written]:
        """`times` attempts at temperature 0.7, concurrently, in order of their numbers; `key` heads their call keys."""
        attempts = (self._attempt(question, retrieval, f"{key}:student:{n}") for n in range(times))
        return await all_of(attempts)

    async def attempt_once(self, question: Question, retrieval: Retrieval, *, call_key: str) -> Written:
        """One attempt at temperature 0.7, under this key."""
        return await self._attempt(question, retrieval, call_key)

    async def _attempt(self, question: Question, retrieval: Retrieval, call_key: str) -> Written:
        messages = attempt_messages(question, retrieval, self.profile.form)
        request = self._request(messages, call_key, DISTILLING_TEMPERATURE)
        try:
            text, attempt = await ask(self.chat, request, self._with_text)
        except UnparsableOutput as error:
            return Written(error.text, None, str(error))
        return Written(text, attempt)

    def _with_text(self, text: str) -> tuple[str, Attempt]:
        return text, parsed_attempt(text, self.profile.form)

    async def answer(
        self,
        question: Question,
        retrieval: Retrieval,
        *,
        call_key: str,
        temperature: float = 0.0,
        whole: bool = False,
        pictures: Mapping[str, Image] = MappingProxyType({}),
    ) -> tuple[Reply, Attempt | None]:
        """One reply, and the attempt in it, or None where it could not be read.

        `whole`: the retrieval is the whole bank, for the system prompt; `pictures`: images of its demonstrations.
        """
        messages = attempt_messages(question, retrieval, self.profile.form, whole=whole, pictures=pictures)
        reply = await self.chat.complete(self._request(messages, call_key, temperature))
        try:
            return reply, parsed_attempt(reply.text, self.profile.form)
        except UnparsableOutput:
            return reply, None

    def _request(self, messages: tuple[Message, ...], call_key: str, temperature: float) -> ChatRequest:
        return ChatRequest(
            call_key,
            messages,
            max_tokens=self.profile.attempt_tokens,
            temperature=temperature,
            schema=AttemptOutput.schema_sent() if self.profile.form == "chain" else None,
        )
