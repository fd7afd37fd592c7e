"""Two texts as one with what was taken out and put in, for a history to show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words: `same` in both texts, `out` of the first, `in` the second."""

    kind: Literal["same", "out", "in"]
    text: str


def changed(before: str, after: str) -> list[Piece]:
    """By words, in the order of the second text."""
    one, two = _WORDS.findall(before), _WORDS.findall(after)
    pieces: list[Piece] = []
    for operation, a, b, c, d in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if operation == "equal":
            pieces.append(Piece("same", "".join(one[a:b])))
            continue
        pieces += [Piece("out", "".join(one[a:b]))] if b > a else []
        pieces += [Piece("in", "".join(two[c:d]))] if d > c else []
    return pieces
