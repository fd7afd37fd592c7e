"""A cascade in somebody else's conversation: the student completes it several times, and the teacher where these disagree.

A stream of it begins when all is decided: nobody can take back what a client has read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ted.answer import Cascaded
from ted.cascading import Said, decided, no_teacher, total_usage
from ted.chat import Reply, Usage
from ted.completion import CompletionModel, CompletionRequest, Heard, Json
from ted.completion_ledger import LedgeredCompletions
from ted.conversing import Advised, Desk, keep
from ted.prompts.parsing import stated_answer
from ted.student import DISTILLING_TEMPERATURE


@dataclass(frozen=True, slots=True)
class Settled:
    """The completion that was chosen, with the usage of all that were made, and how it was chosen."""

    completion: Json
    usage: Usage
    cascaded: Cascaded


async def settle(advised: Advised, *, desk: Desk) -> Settled | None:
    """What comes of the bank's cascade, kept as an answer; None where there is none, or not for such a conversation.

    The student is asked at a temperature above 0, and each time under another seed; the teacher as the caller has it,
    without the advice. Raises BadSetting where no teacher is configured, ModelFailure.
    """
    if advised.cascade.escalate == "never":
        return None
    if desk.teacher is None:
        raise no_teacher()
    teacher, request = desk.teacher, advised.request
    options = {name: value for name, value in request.options.items() if name != "stream_options"}
    plain = replace(request, options=options)
    asked_alone = replace(
        plain, call_key=f"{advised.answer_id}:0:0:teacher:0", messages=advised.conversation.messages
    )

    async def said(model: CompletionModel, request: CompletionRequest) -> Said[tuple[Json, Heard]]:
        ledgered = LedgeredCompletions(model, desk.calls, desk.owner(advised))
        completion = await ledgered.completion(request)
        heard, reply = ledgered.answered
        return Said(reply, stated_answer(heard.first_text), (completion, heard))

    chosen, cascaded = await decided(
        lambda number: said(desk.model, _drawn(plain, advised.answer_id, number)),
        lambda: said(teacher, asked_alone),
        settings=advised.cascade,
    )
    completion, heard = chosen.read
    usage = total_usage(cascaded)
    reply = Reply(chosen.reply.text, desk.model.name, usage)
    await keep(advised, heard, reply, desk, cascaded=cascaded)
    return Settled(completion | {"usage": _told(usage)}, usage, cascaded)


def _drawn(request: CompletionRequest, answer_id: str, number: int) -> CompletionRequest:
    """One of several draws of the student: under one seed, or at temperature 0, they would all be one."""
    options = request.options
    drawn = options | {"temperature": options.get("temperature") or DISTILLING_TEMPERATURE}
    if "seed" in options:
        drawn["seed"] = (options["seed"] + number) % 2**31
    return replace(request, call_key=f"{answer_id}:0:0:student:{number}", options=drawn)


def _told(usage: Usage) -> Json:
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def chunks_of(completion: Json) -> Iterator[Json]:
    """The completion as a stream of it would have come, its text in one piece, its usage last."""
    head: Json = {name: completion[name] for name in ("id", "created", "model") if name in completion}
    head["object"] = "chat.completion.chunk"
    for choice in completion["choices"]:
        delta = {name: value for name, value in choice["message"].items() if value is not None}
        yield head | {"choices": [{"index": choice["index"], "delta": delta, "finish_reason": None}]}
    ends = [
        {"index": c["index"], "delta": {}, "finish_reason": c.get("finish_reason")}
        for c in completion["choices"]
    ]
    yield head | {"choices": ends}
    yield head | {"choices": [], "usage": completion["usage"]}
