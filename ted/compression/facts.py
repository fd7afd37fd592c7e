"""What must survive a merge: codes, numbers and names that the originals state. Pure; words only."""

from __future__ import annotations

import re

from ted.bank.conflicts import missing_facts
from ted.texts import normalised

_SENTENCE_END = re.compile(r"[.!?:;]\W*$")
_CAPITALISED = re.compile(r"[A-Z\u00c0-\u00de][^\W\d_]+")
_FEW_NAMES, _MOST_NAMES = 2, 0.25
"""More of them and a larger share of capitalised words within sentences is the spelling of a language, not names."""


def lost_facts(original: str, text: str) -> list[str]:
    """The facts and names of the original content that the text does not state, sorted."""
    words = set(re.findall(r"\w+", normalised(text)))
    lost = {name for name in names(original) if normalised(name) not in words}
    return sorted(missing_facts(original, text) | lost)


def names(text: str) -> set[str]:
    """Words that are written with a capital within a sentence."""
    found, within = set(), 0
    before = "."
    for token in text.split():
        if not _SENTENCE_END.search(before):
            within += 1
            if word := _CAPITALISED.fullmatch(re.sub(r"^\W+|(?:['\u2019]s)?\W*$", "", token)):
                found.add(word.group())
        before = token
    return found if len(found) <= max(_FEW_NAMES, within * _MOST_NAMES) else set()
