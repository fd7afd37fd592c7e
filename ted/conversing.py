"""Completing a conversation with a bank: retrieve for its last user turn, put in the advice, pass it on, keep the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from ted.answer import Answer, Cascaded, Latency, Trial
from ted.bank.answers import AnswerStore
from ted.bank.bank import Bank
from ted.bank.caller import Caller
from ted.bank.calls import CallStore, Owner
from ted.bank.trials import conduct
from ted.chat import Reply
from ted.completion import CompletionModel, CompletionRequest, Heard, Json
from ted.completion_ledger import LedgeredCompletions
from ted.errors import NotFound, RetrievalFailed
from ted.experience import Retrieval
from ted.ids import new_id
from ted.prompts.advice import advice_of, with_advice
from ted.prompts.parsing import stated_answer
from ted.sample import Question
from ted.settings import AdvicePlace, CascadeSettings
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

    @property
    def wants_one_text(self) -> bool:
        """Whether several completions of it could be compared: no tools may be called, and it is asked for one text."""
        options = self.options
        one = options.get("n") in (None, 1)
        return one and not any(options.get(name) for name in ("tools", "functions", "audio", "logprobs"))

    @property
    def is_one_question(self) -> bool:
        """Whether the last user turn says all of it."""
        return [message["role"] for message in self.messages].count("user") == 1


@dataclass(frozen=True, slots=True)
class Source:
    """The bank to ask, by its id; `open` may fail, as retrieval may."""

    bank_id: str
    open: Callable[[str], Bank]


@dataclass(frozen=True, slots=True)
class Advised:
    """A conversation with what was found for it. `source` is None for the student alone; `failure`: why nothing
    could be looked for; `moments`: seconds at which it began, had embedded, had found; `cascade`: the bank's."""

    answer_id: str
    conversation: Conversation
    source: Source | None
    retrieval: Retrieval
    trial: Trial
    advice: str
    advice_place: AdvicePlace
    failure: str | None
    moments: tuple[float, float, float]
    cascade: CascadeSettings

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
    """Who answers, and who in the student's place (None: nobody is configured); where that is kept, for whom;
    `fail_open`: whether to go on where retrieval fails."""

    model: CompletionModel
    teacher: CompletionModel | None
    answers: AnswerStore
    calls: CallStore
    caller: Caller
    advice_place: AdvicePlace
    fail_open: bool

    def ledgered(self, advised: Advised) -> LedgeredCompletions:
        """The model, with its calls kept for this answer."""
        return LedgeredCompletions(self.model, self.calls, self.owner(advised))

    def owner(self, advised: Advised) -> Owner:
        """To whom calls for this answer are charged."""
        bank_id = advised.source.bank_id if advised.source else None
        return Owner(self.caller.project_id, bank_id, advised.answer_id, self.caller.key_id)


async def advise(conversation: Conversation, *, source: Source | None, desk: Desk) -> Advised:
    """The conversation with advice from the bank. Raises NotFound, and RetrievalFailed unless the desk fails open."""
    began = embedded = time.perf_counter()
    retrieval, failure, trial, answer_id = NOTHING, None, Trial(), new_id("ans")
    cascade = CascadeSettings()
    if source is not None:
        try:
            retrieval, trial, embedded, cascade = await _found(conversation, source, answer_id)
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
    return Advised(
        answer_id, conversation, source, retrieval, trial, advice, place, failure, moments, cascade
    )


async def _found(
    conversation: Conversation, source: Source, answer_id: str
) -> tuple[Retrieval, Trial, float, CascadeSettings]:
    """What the bank has, what chance decided, when the question was embedded, and the cascade that the conversation is
    for. Without a question it abstains."""
    bank, question = await asyncio.to_thread(source.open, source.bank_id), conversation.question
    record = await asyncio.to_thread(lambda: bank.record)
    cascade = record.cascade if conversation.wants_one_text else CascadeSettings()
    if question is None:
        nothing = Retrieval((), record.revision, abstained=True)
        return nothing, Trial(), time.perf_counter(), cascade
    vectors = await bank.embed_question(question)
    embedded = time.perf_counter()
    retrieval = await bank.retrieve(question, vectors=vectors)
    by_chance = cascade.escalate == "never"
    shown, trial = await asyncio.to_thread(
        conduct, bank.database, bank.id, question, retrieval, key=answer_id, by_chance=by_chance
    )
    return shown, trial, embedded, cascade


async def complete(advised: Advised, *, desk: Desk) -> tuple[Json, Reply]:
    """The completion, as the student gave it, and what it came to. Kept with everything that explains it."""
    model = desk.ledgered(advised)
    completion = await model.completion(advised.request)
    heard, reply = model.answered
    await keep(advised, heard, reply, desk)
    return completion, reply


async def stream(advised: Advised, *, desk: Desk) -> AsyncGenerator[Json]:
    """Its chunks, as they come; kept when the last one has come. Closing it ends the call, and nothing is kept."""
    model = desk.ledgered(advised)
    async with aclosing(model.completion_stream(advised.request)) as chunks:
        async for chunk in chunks:
            yield chunk
    await keep(advised, *model.answered, desk)


async def keep(
    advised: Advised, heard: Heard, reply: Reply, desk: Desk, *, cascaded: Cascaded | None = None
) -> None:
    """The answer and its exposures, where a bank was asked; without one the ledger alone knows of it."""
    if advised.source is not None:
        answer = Answer(
            id=advised.answer_id,
            bank_id=advised.source.bank_id,
            question=advised.conversation.question or Question(""),
            mode="none" if advised.failure else "retrieve",
            text=reply.text,
            final_answer=stated_answer(heard.first_text) if cascaded else heard.first_text.strip(),
            attempt=None,
            retrieval=advised.retrieval,
            model=reply.model,
            usage=reply.usage,
            latency=Latency.between(*advised.moments, time.perf_counter()),
            trial=advised.trial,
            cascaded=cascaded,
        )
        harvested = answer.escalated and advised.cascade.harvest and advised.conversation.is_one_question
        answer = replace(answer, harvested=harvested)
        await asyncio.shield(asyncio.to_thread(desk.answers.keep, answer))
