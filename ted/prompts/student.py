"""What the student is sent: a question, with the experiences retrieved for it as advice. Reading replies is parsing's."""

from __future__ import annotations

from typing import Literal

from ted.chat import Message
from ted.experience import Retrieval
from ted.prompts.render import render
from ted.sample import Question

Form = Literal["chain", "short"]
"""`chain`: Premises / Steps / Conclusion and the answer, as JSON; `short`: the answer only, as text."""


def attempt_messages(question: Question, retrieval: Retrieval, form: Form) -> tuple[Message, ...]:
    """The prompt for one attempt at a question."""
    return render(
        f"student_{form}",
        images=question.images,
        question=question.text,
        retrieved=retrieval.shown,
    )
