"""Texts made comparable: what counts as the same text. What is compared, and why, is the caller's affair."""

from __future__ import annotations

import unicodedata

_HYPHENS = str.maketrans(
    {"\u2010": "-", "\u2011": "-"}
)  # models like to write codes with them; NFKC keeps U+2010


def normalised(text: str) -> str:
    """NFKC, casefolded, white space collapsed, typographic hyphens plain. Idempotent."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).translate(_HYPHENS).split())


def shortened(text: str, *, length: int = 60) -> str:
    """As a message may quote it: on one line, and cut with an ellipsis beyond `length` characters."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else f"{line[: length - 1]}\u2026"


def holds_nul(value: object) -> bool:
    """Whether a JSON value holds the character NUL, in any of its texts or keys."""
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(holds_nul(part) for pair in value.items() for part in pair)
        case list() | tuple():
            return any(map(holds_nul, value))
        case _:
            return False
