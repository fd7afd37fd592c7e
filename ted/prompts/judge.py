"""What the judge is sent: a question, its reference answer and the answer to be judged, each quoted."""

from __future__ import annotations

from ted.chat import Message
from ted.prompts.render import render


def judge_messages(question: str, reference: str, answer: str) -> tuple[Message, ...]:
    """To say whether the answer means the same as the reference."""
    return render("judge", question=question, reference=reference, answer=answer)
