"""The choice grader: the same option letter or number. What the option says is not its affair."""

from __future__ import annotations

import re
import unicodedata

from ted.texts import shortened
from ted.trajectory import Grade

_MARKUP = re.compile(
    r"\\boxed|\\text(?:bf)?|[*`\"\u201c\u201d\u2018\u2019{}$]|(?<!\w)'|'(?!\w)|(?<!\w)_+|_+(?!\w)"
)
_LABEL = r"(?P<label>[A-Za-z]|\d{1,2})"
_WHOLE = re.compile(rf"[(\[]?\s*{_LABEL}\s*[)\]]?[.:,;!]?")
_LEADING = re.compile(
    rf"(?:[(\[]\s*{_LABEL}\s*[)\]]|(?P<open>[A-Za-z]|\d{{1,2}})(?:[)\]:]|\.(?!\d)|\s+[-\u2013\u2014](?=\s)))"
)
_IS = r"(?:'s|\s+(?:is|be|would\s+be|must\s+be))"
_NAMED = (
    r"\s*(?:(?:option|choice|answer|letter|number)\s+)?"
    r"(?:(?P<bracketed>[(\[]\s*(?:[A-Za-z]|\d{1,2})\s*[)\]])"
    r"|(?P<bare>[A-Za-z]|\d{1,2})(?![\w'-])(?!\.\d))"
)
_ANSWER = re.compile(rf"\banswer(?:{_IS}\s*[:=]?|\s*[:=]){_NAMED}", re.IGNORECASE)
_CUE = re.compile(
    rf"\b(?:answer|option|choice|solution|pick|choose|select|correct(?:\s+one)?|it)\b{_IS}?\s*[:=]?{_NAMED}",
    re.IGNORECASE,
)
_ALTERNATIVE = re.compile(r"\s*(?:,|/|&|or|and)\s*[(\[]?(?P<label>[A-Z]|\d{1,2})(?![\w'-])")
_BRACKETED = re.compile(r"(?<!\w)[(\[]\s*(?P<label>[A-Z]|\d{1,2})\s*[)\]]")
_LISTED = re.compile(r"(?<![\w(])[(\[]?(?P<label>[A-Z]|\d{1,2})\)(?!\w)")
_DENIED = re.compile(r"(?:\bnot|n't|\bnever|\bexcept|\bneither|\bnor)\s*$", re.IGNORECASE)


def grade_choice(final_answer: str, *, reference: str) -> Grade:
    """Right where both name the same option; an answer that names none, or several, is wrong."""
    expected, found = option(reference), option(final_answer)
    if expected is None:
        return Grade(False, f"the reference '{shortened(reference)}' names no option")
    if found is None:
        return Grade(False, f"'{shortened(final_answer)}' does not name one option")
    return Grade(True) if found == expected else Grade(False, f"option {found} is not {expected}")


def choice_problem(reference: str) -> str | None:
    """Why this reference cannot be graded against, or None."""
    if option(reference) is None:
        return f"'{shortened(reference)}' names no option, as the grader 'choice' needs: write B or B) Paris"
    return None


def option(text: str) -> str | None:
    """The option a text names, as a capital letter or a plain number; None for none or several."""
    plain = " ".join(_MARKUP.sub(" ", unicodedata.normalize("NFKC", text)).split())
    whole = _WHOLE.fullmatch(plain)
    if whole:
        return _named(whole["label"])
    if _ANSWER.search(plain):
        return _only(_cued(plain, cues=_ANSWER))
    leading = _LEADING.match(plain)
    if leading:
        label = _named(leading["label"] or leading["open"])
        others = {_named(m["label"]) for m in _LISTED.finditer(plain, leading.end())} - {label}
        return None if others else label
    return _only(_cued(plain, cues=_CUE) or _bracketed(plain))


def _cued(text: str, *, cues: re.Pattern[str]) -> set[str]:
    """Options after `answer is`, `option` and the like, but for an article (`The answer is a dog`)."""
    found = set()
    for cue in cues.finditer(text):
        label = (cue["bracketed"] or cue["bare"]).strip("()[] ")
        article = cue["bare"] and (label.islower() or label == "A") and _goes_on(text[cue.end() :])
        if not article:
            found.add(_named(label))
            found.update(_named(m["label"]) for m in [_ALTERNATIVE.match(text, cue.end())] if m)
    return found


def _goes_on(rest: str) -> bool:
    """Whether a word follows at once that is no conjunction, so that the letter may be an article."""
    return re.match(r"\s+(?!(?:because|since|as|and|or|is)\b)[a-z]", rest, re.IGNORECASE) is not None


def _bracketed(text: str) -> set[str]:
    return {_named(m["label"]) for m in _BRACKETED.finditer(text) if not _DENIED.search(text[: m.start()])}


def _only(labels: set[str]) -> str | None:
    return next(iter(labels)) if len(labels) == 1 else None


def _named(label: str) -> str:
    return label.upper() if label.isalpha() else str(int(label))
