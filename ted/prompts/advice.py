"""Experiences as advice in somebody else's conversation: the block of the student's prompt, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence

from ted.completion import Json
from ted.experience import Retrieval
from ted.prompts.render import render_part


def advice_of(retrieval: Retrieval) -> str:
    """The delimited block that the student's own prompt has; empty where nothing was found."""
    return render_part("_experiences", retrieved=retrieval.retrieved)


def last_user_turn(messages: Sequence[Json]) -> int | None:
    """Its position; None where there is no user turn."""
    return max((n for n, message in enumerate(messages) if message["role"] == "user"), default=None)


def with_advice(messages: Sequence[Json], advice: str) -> tuple[Json, ...]:
    """The messages, none of them changed, and the advice as a turn of its own before the last user turn.

    So what a provider's cache holds of the earlier turns stays good.
    """
    place = last_user_turn(messages)
    if not advice or place is None:
        return tuple(messages)
    return (*messages[:place], {"role": "user", "content": advice}, *messages[place:])
