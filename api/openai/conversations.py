"""From the body of a request to a conversation; images are really decoded, and passed on as data URLs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from api.openai.fields import sorted_out
from api.openai.schemas import ChatCompletionIn
from api.refusals import BadField
from ted.completion import Json, texts_of
from ted.conversing import Conversation
from ted.errors import BadImage
from ted.prompts.advice import last_user_turn
from ted.sample import Image, Question
from ted.web_images import ImageReader

_PARTS = ("text", "image_url", "input_audio", "refusal")
MOST_IMAGES = 64


def conversation_of(body: ChatCompletionIn, reader: ImageReader) -> Conversation:
    """The conversation. Decodes and fetches images: to be called in a thread. Raises BadField."""
    options, extra = sorted_out(body.sent)
    turns: list[tuple[Json, list[Image]]] = []
    for number, message in enumerate(body.messages):
        turns.append(_turn(number, message, reader))
        if sum(len(images) for _, images in turns) > MOST_IMAGES:
            raise BadField(("body", "messages"), f"hold more than {MOST_IMAGES} images: send fewer at once")
    if body.stream:
        options["stream_options"] = {**options.get("stream_options", {}), "include_usage": True}
    elif "stream_options" in options:
        raise BadField(("body", "stream_options"), "is for streams: leave it out, or set `stream`")
    messages = [message for message, _ in turns]
    return Conversation(tuple(messages), options, extra, _question(messages, [images for _, images in turns]))


def _question(messages: list[Json], images: list[list[Image]]) -> Question | None:
    """The last user turn. One of images alone is searched for with the nearest text before it."""
    turn = last_user_turn(messages)
    if turn is None:
        return None
    texts = ["\n\n".join(texts_of(message)).strip() for message in messages[: turn + 1]]
    if not texts[turn] and not images[turn]:
        return None
    text = next((text for text in reversed(texts) if text), "")
    return Question(text, tuple(images[turn])) if text else None


def _turn(number: int, message: Json, reader: ImageReader) -> tuple[Json, list[Image]]:
    """A message as it is passed on, and its images. One of the web goes on as the bytes that were fetched and checked."""
    content: list[Json] = []
    images: list[Image] = []
    for place, part in _parts(number, message):
        image = _image(place, part, reader)
        if image is not None:
            images.append(image)
        content.append(part if image is None else _with_bytes(part, image))
    return (message | {"content": content} if images else message), images


def _with_bytes(part: Json, image: Image) -> Json:
    described = part["image_url"]
    if described["url"][:5].lower() == "data:":
        return part
    url = f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"
    return part | {"image_url": described | {"url": url}}


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


def _image(place: tuple[str | int, ...], part: Json, reader: ImageReader) -> Image | None:
    if part["type"] != "image_url":
        return None
    described = part.get("image_url")
    url = described.get("url") if isinstance(described, dict) else None
    if not isinstance(url, str):
        raise BadField((*place, "image_url", "url"), 'is missing: send {"url": "data:image/png;base64,..."}')
    try:
        return reader.read(url)
    except BadImage as error:
        raise BadField((*place, "image_url", "url"), str(error)) from error
