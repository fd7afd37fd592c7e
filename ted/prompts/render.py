"""From a template file to chat messages. The words are in templates/*.md, where a human can review them.

A template has the headings `# system` and `# user`, and Jinja2 placeholders. What fills them is data: no template
syntax in a question or an experience is ever evaluated.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from ted.chat import Message, Part
from ted.injections import INVISIBLE
from ted.sample import Image


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ted.prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # plain text for a model, not HTML
    )
    environment.filters["advice"] = as_advice
    environment.filters["quoted"] = _quoted
    return environment


def _quoted(text: str) -> str:
    """As a JSON string; unlike Jinja's `tojson` it leaves apostrophes and letters of other languages readable."""
    return json.dumps(text, ensure_ascii=False)


_OPENING = re.compile("[<\uff1c\ufe64\u2039\u27e8\u3008\u300a]")
"""What may be read as the beginning of a delimiter."""

_REST = re.compile(r"\s*[/\\\u2044\u2215]?\s*(?:experiences?|question)\b")
_LONGEST, _WINDOW = 64, 2000
"""Characters behind an opening that are looked at: visible ones, and all."""


def undelimited(text: str) -> str:
    """A text that cannot close, or open anew, the block it stands in or near, however it is written."""
    return _OPENING.sub(
        lambda found: "(" if _delimits(text[found.end() : found.end() + _WINDOW]) else found.group(), text
    )


def as_advice(text: str) -> str:
    """The same on one line."""
    return " ".join(undelimited(text).split())


def _delimits(rest: str) -> bool:
    seen = INVISIBLE.sub("", rest)[:_LONGEST]
    return _REST.match(unicodedata.normalize("NFKC", seen).casefold()) is not None


def render_part(template: str, **values: object) -> str:
    """The text of a template that is part of others."""
    return _environment().get_template(f"{template}.md").render(**values).strip()


def render(template: str, *, images: Sequence[Image] = (), **values: object) -> tuple[Message, ...]:
    """The system and user message of a template; the images come first in the user's."""
    text = _environment().get_template(f"{template}.md").render(**values)
    _, system, user = re.split(r"^# (?:system|user)$\n?", text, maxsplit=2, flags=re.MULTILINE)
    parts: tuple[Part, ...] = (*images, user.strip())
    return Message("system", (system.strip(),)), Message("user", parts)
