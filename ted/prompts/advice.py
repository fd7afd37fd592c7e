"""Experiences as advice in somebody else's conversation: the block of the student's prompt, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from ted.completion import Json
from ted.experience import Retrieval
from ted.prompts.render import render_part
from ted.settings import AdvicePlace


def advice_of(retrieval: Retrieval) -> str:
    """The delimited block that the student's own prompt has; empty where nothing was found."""
    return render_part("_experiences", retrieved=retrieval.shown)


def last_user_turn(messages: Sequence[Json]) -> int | None:
    """Its position; None where there is no user turn."""
    return max((n for n, message in enumerate(messages) if message["role"] == "user"), default=None)


def with_advice(messages: Sequence[Json], advice: str, place: AdvicePlace) -> tuple[Json, ...]:
    """The messages, and the advice right before the last user turn, so that what a provider's cache holds of the
    earlier ones stays good: as a `turn` of its own, or as the first `part` of that turn, before what it says."""
    turn = last_user_turn(messages)
    if not advice or turn is None:
        return tuple(messages)
    match place:
        case "turn":
            return (*messages[:turn], {"role": "user", "content": advice}, *messages[turn:])
        case "part":
            return (*messages[:turn], _advised(messages[turn], advice), *messages[turn + 1 :])
        case _:
            assert_never(place)


def _advised(message: Json, advice: str) -> Json:
    said = message.get("content") or ""
    if isinstance(said, str):
        return {**message, "content": f"{advice}\n\n{said}"}
    return {**message, "content": [{"type": "text", "text": advice}, *said]}
