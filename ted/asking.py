"""Ask a model, parse, and ask again with what was wrong: the mend-loop that student and teacher share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ted.chat import ChatModel, ChatRequest, Message
from ted.errors import UnparsableOutput
from ted.prompts.render import render

T = TypeVar("T")

MENDS = 2
"""How often a model is asked again after a reply that does not parse."""


async def ask(model: ChatModel, request: ChatRequest, parse: Callable[[str], T], *, mends: int = MENDS) -> T:
    """The parsed reply. Further calls have the request's key with `.1`, `.2` after its role.

    Raises UnparsableOutput where the last reply does not parse either, ModelFailure where there is none.
    """
    asked = request
    for attempt in range(mends + 1):
        reply = await model.complete(asked)
        try:
            return parse(reply.text)
        except UnparsableOutput as error:
            if attempt == mends:
                raise
            asked = _mended(request, attempt + 1, reply.text, str(error))
    raise AssertionError("the loop returns or raises")


def _mended(request: ChatRequest, attempt: int, text: str, problem: str) -> ChatRequest:
    head, role, number = request.call_key.rsplit(":", 2)
    _, again = render("mend_reply", problem=problem)
    return replace(
        request,
        call_key=f"{head}:{role}.{attempt}:{number}",
        messages=(*request.messages, Message("assistant", (text or "(nothing)",)), again),
    )
