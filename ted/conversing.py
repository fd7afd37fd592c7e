"""Completing a conversation with a bank: retrieve for its last user turn, put in the advice, pass it on, keep the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from ted.answer import Answer, Latency, Trial
from ted.bank.answers import AnswerStore
from ted.bank.bank import Bank
from ted.bank.caller import Caller
from ted.bank.calls import CallStore, Owner
from ted.bank.trials import conduct
from ted.chat import Reply
from ted.completion import CompletionModel, CompletionRequest, Json
from ted.completion_ledger import LedgeredCompletions
from ted.errors import NotFound, RetrievalFailed
from ted.experience import Retrieval
from ted.ids import new_id
from ted.prompts.advice import advice_of, with_advice
from ted.sample import Question
from ted.settings import AdvicePlace
from ted.tokens import estimated_tokens

_log = logging.getLogger(__name__)

NOTHING = Retrieval((), 0, abstained=False)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a caller sent, in OpenAI's shape. `question` is its last user turn; None where there is nothing to search by."""

    messages: tuple[Json, ...]
    options: Json
    extra: Json
    question: Question | None


@dataclass(frozen=True, slots=True)
class Source:
    """The bank to ask, by its id; `open` may fail, as retrieval may."""

    bank_id: str
    open: Callable[[str], Bank]


@dataclass(frozen=True, slots=True)
class Advised:
    """A conversation with what was found for it. `source` is None for the student alone; `failure`: why nothing
    could be looked for; `moments`: seconds at which it began, had embedded, had found."""

    answer_id: str
    conversation: Conversation
    source: Source | None
    retrieval: Retrieval
    trial: Trial
    advice: str
    advice_place: AdvicePlace
    failure: str | None
    moments: tuple[float, float, float]

    @property
    def tokens_injected(self) -> int:
        """As estimated; 0 where nothing was put in."""
        return estimated_tokens(self.advice)

    @property
    def request(self) -> CompletionRequest:
        """What the student is sent."""
        conversation = self.conversation
        messages = with_advice(conversation.messages, self.advice, self.advice_place)
        key = f"{self.answer_id}:0:0:student:0"
        return CompletionRequest(key, messages, conversation.options, conversation.extra)


@dataclass(frozen=True, slots=True)
class Desk:
    """Who answers, where that is kept, for whom; `fail_open`: whether to go on where retrieval fails."""

    model: CompletionModel
    answers: AnswerStore
    calls: CallStore
    caller: Caller
    advice_place: AdvicePlace
    fail_open: bool

    def ledgered(self, advised: Advised) -> LedgeredCompletions:
        """The model, with its calls kept for this answer."""
        bank_id = advised.source.bank_id if advised.source else None
        owner = Owner(self.caller.project_id, bank_id, advised.answer_id, self.caller.key_id)
        return LedgeredCompletions(self.model, self.calls, owner)


async def advise(conversation: Conversation, *, source: Source | None, desk: Desk) -> Advised:
    """The conversation with advice from the bank. Raises NotFound, and RetrievalFailed unless the desk fails open."""
    began = embedded = time.perf_counter()
    retrieval, failure, trial, answer_id = NOTHING, None, Trial(), new_id("ans")
    if source is not None:
        try:
            retrieval, trial, embedded = await _found(conversation.question, source, answer_id)
        except NotFound:
            raise
        except Exception as error:  # whatever embedder, index or store fell over: it is logged and told
            failure = f"{type(error).__name__}: {error}"
            _log.exception("retrieval from bank %s failed", source.bank_id)
            if not desk.fail_open:
                raise RetrievalFailed(
                    f"experiences could not be looked for ({failure}): mend that, or set TED_FAIL_OPEN"
                ) from error
    moments = (began, embedded, time.perf_counter())
    advice = advice_of(retrieval)
    place = desk.advice_place
    return Advised(answer_id, conversation, source, retrieval, trial, advice, place, failure, moments)


async def _found(question: Question | None, source: Source, answer_id: str) -> tuple[Retrieval, Trial, float]:
    """What the bank has, what chance decided, and when the question was embedded. Without a question it abstains."""
    bank = await asyncio.to_thread(source.open, source.bank_id)
    if question is None:
        revision = (await asyncio.to_thread(lambda: bank.record)).revision
        return Retrieval((), revision, abstained=True), Trial(), time.perf_counter()
    vectors = await bank.embed_question(question)
    embedded = time.perf_counter()
    retrieval = await bank.retrieve(question, vectors=vectors)
    shown, trial = await asyncio.to_thread(
        conduct, bank.database, bank.id, question, retrieval, key=answer_id
    )
    return shown, trial, embedded


async def complete(advised: Advised, *, desk: Desk) -> tuple[Json, Reply]:
    """The completion, as the student gave it, and what it came to. Kept with everything that explains it."""
    model = desk.ledgered(advised)
    completion = await model.completion(advised.request)
    return completion, await _keep(advised, model, desk)


async def stream(advised: Advised, *, desk: Desk) -> AsyncGenerator[Json]:
    """Its chunks, as they come; kept when the last one has come. Closing it ends the call, and nothing is kept."""
    model = desk.ledgered(advised)
    async with aclosing(model.completion_stream(advised.request)) as chunks:
        async for chunk in chunks:
            yield chunk
    await _keep(advised, model, desk)


async def _keep(advised: Advised, model: LedgeredCompletions, desk: Desk) -> Reply:
    """The answer and its exposures, where a bank was asked; without one the ledger alone knows of it."""
    heard, reply = model.answered
    if advised.source is not None:
        answer = Answer(
            id=advised.answer_id,
            bank_id=advised.source.bank_id,
            question=advised.conversation.question or Question(""),
            mode="none" if advised.failure else "retrieve",
            text=reply.text,
            final_answer=heard.first_text.strip(),
            attempt=None,
            retrieval=advised.retrieval,
            model=reply.model,
            usage=reply.usage,
            latency=Latency.between(*advised.moments, time.perf_counter()),
            trial=advised.trial,
        )
        await asyncio.shield(asyncio.to_thread(desk.answers.keep, answer))
    return reply
