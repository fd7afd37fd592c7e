"""What the student is sent: a question, with the experiences retrieved for it as advice. Reading replies is parsing's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from ted.chat import Message
from ted.experience import Demonstration, Retrieval
from ted.prompts.render import render, undelimited
from ted.sample import Image, Question

Form = Literal["chain", "short"]
"""`chain`: Premises / Steps / Conclusion and the answer, as JSON; `short`: the answer only, as text."""


def attempt_messages(
    question: Question,
    retrieval: Retrieval,
    form: Form,
    *,
    whole: bool = False,
    pictures: Mapping[str, Image] = MappingProxyType({}),
) -> tuple[Message, ...]:
    """The prompt for one attempt at a question.

    `whole`: the experiences are all there are, and stand in the system prompt, a prefix that stays the same.
    Demonstrations are turns before the question, the nearest last; `pictures` are their images by sha256.
    """
    system, asked = render(
        f"student_{form}",
        images=question.images,
        question=question.text,
        retrieved=() if whole else retrieval.shown,
        whole=retrieval.shown if whole else (),
    )
    shown = (message for d in reversed(retrieval.demonstrations) for message in _turns(d, form, pictures))
    return system, *shown, asked


def _turns(
    demonstration: Demonstration, form: Form, pictures: Mapping[str, Image]
) -> tuple[Message, Message]:
    """A question and its answer, as the form of the attempt has it: without steps, which nobody wrote.

    Neither can pass for the block of advice, or for its end.
    """
    images = (pictures[sha256] for sha256 in demonstration.images)
    asked, answer = undelimited(demonstration.question), undelimited(demonstration.answer)
    if form == "chain":
        nothing: dict[str, object] = {"premises": [], "steps": [], "conclusion": ""}
        answer = json.dumps({**nothing, "answer": answer, "used": []}, ensure_ascii=False)
    return Message("user", (*images, asked)), Message("assistant", (answer,))
