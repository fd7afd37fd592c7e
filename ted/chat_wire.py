"""What a ChatRequest is in OpenAI's HTTP shape, purely; sending it is ted/litellm_chat's affair."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote

from ted.chat import Message

LONGEST_HEADER = 512  # characters of X-Client-Request-Id that OpenAI takes


def wire_message(message: Message) -> dict[str, Any]:
    """A plain string where the message holds no image, else parts in order with images as data URLs."""
    if all(isinstance(part, str) for part in message.parts):
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, str):
            parts.append({"type": "text", "text": part})
        else:
            url = f"data:{part.media_type};base64,{b64encode(part.data).decode()}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"role": message.role, "content": parts}


def response_format(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as OpenAI asks for it; `strict` only where the schema is closed, as strict mode demands."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": schema, "strict": _is_closed(schema)},
    }


def client_request_id(call_key: str) -> str:
    """The call key in printable ASCII: other characters, which headers cannot hold, percent-encoded."""
    return quote(call_key, safe=":/,;=+@ ").strip()[:LONGEST_HEADER]


def _is_closed(schema: Any) -> bool:
    """Every object in it names all its properties as required and allows no others."""
    match schema:
        case list():
            return all(map(_is_closed, schema))
        case dict():
            names = set(schema.get("properties", {}))
            closed = schema.get("additionalProperties") is False and set(schema.get("required", ())) == names
            return (closed or schema.get("type") != "object") and all(map(_is_closed, schema.values()))
        case _:
            return True
