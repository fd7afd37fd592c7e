"""From the body of a request to a conversation; images are data URLs, really decoded, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from api.openai.fields import sorted_out
from api.openai.schemas import ChatCompletionIn
from api.refusals import BadField
from ted.completion import Json, texts_of
from ted.conversing import Conversation
from ted.errors import BadImage
from ted.images import ImageLimits, from_data_url
from ted.prompts.advice import last_user_turn
from ted.sample import Image, Question

_PARTS = ("text", "image_url", "input_audio", "refusal")
MOST_IMAGES = 64


def conversation_of(body: ChatCompletionIn) -> Conversation:
    """The conversation. Decodes images: to be called in a thread. Raises BadField."""
    options, extra = sorted_out(body.sent)
    images = {number: _images(number, message) for number, message in enumerate(body.messages)}
    if sum(map(len, images.values())) > MOST_IMAGES:
        raise BadField(("body", "messages"), f"hold more than {MOST_IMAGES} images: send fewer at once")
    if body.stream:
        options["stream_options"] = {**options.get("stream_options", {}), "include_usage": True}
    elif "stream_options" in options:
        raise BadField(("body", "stream_options"), "is for streams: leave it out, or set `stream`")
    return Conversation(tuple(body.messages), options, extra, _question(body.messages, images))


def _question(messages: list[Json], images: dict[int, list[Image]]) -> Question | None:
    """The last user turn. One of images alone is searched for with the nearest text before it."""
    turn = last_user_turn(messages)
    if turn is None:
        return None
    texts = ["\n\n".join(texts_of(message)).strip() for message in messages[: turn + 1]]
    if not texts[turn] and not images[turn]:
        return None
    text = next((text for text in reversed(texts) if text), "")
    return Question(text, tuple(images[turn])) if text else None


def _images(number: int, message: Json) -> list[Image]:
    return [image for place, part in _parts(number, message) if (image := _image(place, part)) is not None]


def _parts(number: int, message: Json) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """The parts of a message's content, each with its place. Raises BadField for what is none."""
    place: tuple[str | int, ...] = ("body", "messages", number, "content")
    content: Any = message.get("content")
    if content is None or isinstance(content, str):
        return
    if not isinstance(content, list):
        raise BadField(place, "is neither a text nor a list of parts: send one of them")
    for position, part in enumerate(content):
        if not isinstance(part, dict) or part.get("type") not in _PARTS:
            raise BadField((*place, position), f"is no part of a known type: there are {', '.join(_PARTS)}")
        if part["type"] == "text" and not isinstance(part.get("text"), str):
            raise BadField((*place, position, "text"), "is no text: send one")
        yield (*place, position), part


def _image(place: tuple[str | int, ...], part: Json) -> Image | None:
    if part["type"] != "image_url":
        return None
    described = part.get("image_url")
    url = described.get("url") if isinstance(described, dict) else None
    if not isinstance(url, str):
        raise BadField((*place, "image_url", "url"), 'is missing: send {"url": "data:image/png;base64,..."}')
    try:
        return from_data_url(url, limits=ImageLimits())
    except BadImage as error:
        raise BadField((*place, "image_url", "url"), str(error)) from error
