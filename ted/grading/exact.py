"""The exact grader: the same text, presentation aside. Meaning is not its affair."""

from __future__ import annotations

from ted.texts import normalised, shortened
from ted.trajectory import Grade

_PAIRS = (
    ("**", "**"),
    ("__", "__"),
    ('"', '"'),
    ("'", "'"),
    ("`", "`"),
    ("\u201c", "\u201d"),
    ("\u2018", "\u2019"),
    ("\u201e", "\u201c"),
    ("\u00ab", "\u00bb"),
)


def grade_exact(final_answer: str, *, reference: str) -> Grade:
    """Right where both are one, Unicode form, case, white space, quotes or bold and a closing stop aside."""
    if bare(final_answer) == bare(reference):
        return Grade(True)
    return Grade(False, f"'{shortened(final_answer)}' is not '{shortened(reference)}'")


def bare(text: str) -> str:
    """The normalised text without one pair of quotes, backticks or bold, and one closing full stop."""
    whole = normalised(text)
    unstopped = _without_stop(whole)
    unwrapped = _without_pair(unstopped)
    return unwrapped if unstopped != whole else _without_stop(unwrapped)


def _without_stop(text: str) -> str:
    return text.removesuffix(".").rstrip() or text


def _without_pair(text: str) -> str:
    for opening, closing in _PAIRS:
        if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening) + len(closing):
            return text[len(opening) : -len(closing)].strip() or text
    return text
