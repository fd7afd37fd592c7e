"""Do two near-duplicate texts contradict each other? Words only; which is right is for a teacher to say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u2010": "-", "\u2011": "-", "\u2212": "-"})

_TOKEN = re.compile(
    r"""
      [`"'](?P<quoted>[\w./:@#-]+)[`"'](?!\w)          # a quoted identifier
    | (?P<flag>(?<![\w-])--?[a-z][\w-]*)               # --force
    | (?P<word>\w+(?:[.,:/_@#&'-]\w+)*)                # words, numbers, codes, versions, dates, file names
    """,
    re.VERBOSE | re.IGNORECASE,
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_UNIT = re.compile(
    r"(?<![\w.-])(?P<number>\d[\d.]*)[ -]?(?P<unit>seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?"
    r"|months?|years?|percent|per ?cent|[km]?bytes?|[km]?b|[kmc]?m|[km]?g|[km]?l|%)(?!\w)"
)
_NUMBER_WORDS = {  # without one, which is more often a pronoun, and first and second, which order sentences
    "zero": "0", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20",
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90", "third": "3rd",
    "fourth": "4th", "fifth": "5th", "sixth": "6th", "seventh": "7th", "eighth": "8th", "ninth": "9th",
    "tenth": "10th",
}  # fmt: skip
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_NUMBER_WORDS)})\b", re.IGNORECASE)
_DATE_NAMES = {  # without March and May, which are words as well
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february",
    "april", "june", "july", "august", "september", "october", "november", "december",
}  # fmt: skip
_EMPHASISED = {  # written in capitals, they are no codes
    "all", "always", "and", "any", "be", "before", "after", "do", "if", "is", "it", "must", "of", "only",
    "or", "should", "the", "to", "when",
}  # fmt: skip

_NEGATORS = re.compile(
    r"\b(?:not(?!\s+only\b)|no(?!\s*\.)|never|none|nobody|nothing|nowhere|neither|without|cannot|unless|avoid\w*"
    r"|\w+n't|refus\w+|reject\w*|declin(?:e|es|ed|ing)\b|den(?:y|ies|ied|ying)|forbid\w*|forbade|prohibit\w*"
    r"|disallow\w*|disabl\w+|deactivat\w+|exclud\w+|omit\w*|unable|impossible|fail(?:s|ed|ing)?\s+to"
    r"|illegal\w*|unsafe|unpaid|unsigned|false|incorrect\w*|invalid\w*|optional\w*|missing|refrain\w*|skip\w*"
    r"|(?:turn|switch|toggle|set|leave|keep|power)\w*(?:\s+\w+){0,3}?\s+off)\b"
)

_OPPOSITES = tuple(
    (re.compile(rf"\b(?:{one})\b"), re.compile(rf"\b(?:{other})\b"))
    for one, other in (
        ("before|prior to", "after|afterwards"),
        (r"increas\w*|rais(?:e|es|ed|ing)|higher", r"decreas\w*|reduc\w*|lower(?:s|ed|ing)?"),
        (r"min|minimum|minimal|at least", r"max|maximum|maximal|at most"),
        ("above|over|exceed(?:s|ing)?|more than", "below|under|less than"),
        (r"left(?:most)?(?=\W)(?! the| a)", "right(?:most)?(?! away| now| after)"),
        ("first", "last"),
        ("earliest|oldest", "latest|newest"),
        (r"ascend\w*", r"descend\w*"),
        ("top", "bottom"),
        (r"internal\w*", r"external\w*"),
        (r"public\w*", r"privat\w*|confidential\w*"),
        (r"encrypt\w*", r"decrypt\w*"),
        (r"import(?:s|ed|ing)?", r"export(?:s|ed|ing)?"),
        (r"upload\w*", r"download\w*"),
        (r"install\w*", r"uninstall\w*"),
        (r"open(?:s|ed|ing)?", r"clos(?:e|es|ed|ing)"),
        (r"lock(?:s|ed|ing)?", r"unlock\w*"),
        (r"start\w*", r"stop\w*"),
        (r"add(?:s|ed|ing)?", r"remov\w*|delet\w*"),
        ("morning", "evening|afternoon"),
        ("horizontal(?:ly)?", "vertical(?:ly)?"),
        ("upper|uppercase", "lower|lowercase"),
        ("odd", "even"),
        ("once", "twice"),
        ("clockwise", "counter-?clockwise|anti-?clockwise"),
        (r"north\w*", r"south\w*"),
        (r"east\w*", r"west\w*"),
        ("rows?", "columns?"),
        ("synchronous(?:ly)?", "asynchronous(?:ly)?"),
    )
)


def conflicting(a: str, b: str) -> bool:
    """Whether two near-duplicates differ in numbers, codes, negation or direction, and so must not be merged.

    Symmetric. Repetition and order do not matter: two texts with their codes swapped are not told apart.
    Where in doubt it says yes: a conflict shown to a teacher costs a call, a wrong merge costs a fact.
    """
    one, other = _plain(a), _plain(b)
    return _facts_differ(one, other) or _polarity_differs(one, other) or _directions_differ(one, other)


def missing_facts(original: str, text: str) -> set[str]:
    """The numbers with units, codes, acronyms and identifiers of the original, casefolded, that the text does not state."""
    return _facts(_plain(original)) - _words(_plain(text))


def _plain(text: str) -> str:
    joined = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text).translate(_APOSTROPHES))
    return _NUMBER_WORD.sub(lambda word: _NUMBER_WORDS[word.group().casefold()], joined)


def _facts_differ(a: str, b: str) -> bool:
    """A fact of one text must at least stand in the other, in whatever case: `VPN` may be `vpn`."""
    return bool(_facts(a) - _words(b) or _facts(b) - _words(a))


def _words(text: str) -> set[str]:
    return {
        word for token in _tokens(text) for word in (_folded(token), *_folded(token).split("-"))
    } | _facts(text)


def _facts(text: str) -> set[str]:
    """Numbers with their units, codes, acronyms, names of days and months, quoted identifiers, casefolded."""
    quoted = {
        m["quoted"].casefold() for m in _TOKEN.finditer(text) if m["quoted"] and not m["quoted"].isnumeric()
    }
    units = {f"{_folded(m['number'])} {_unit(m['unit'])}" for m in _UNIT.finditer(text.casefold())}
    return {_folded(token) for token in _tokens(text) if _is_fact(token)} | quoted | units


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        token = match["quoted"] or match["flag"] or match["word"]
        measured = re.fullmatch(r"(\d[\d.]*)-?([a-zA-Z]+)", token)
        yield from measured.groups() if measured and _UNIT.fullmatch(token.casefold()) else (token,)


def _is_fact(token: str) -> bool:
    folded = token.casefold()
    if folded in _DATE_NAMES or any(character.isdigit() for character in token):
        return True
    if _NEGATORS.fullmatch(folded) or folded in _EMPHASISED:
        return False
    capitals = sum(character.isupper() for character in token)
    return (capitals >= 2 and token.isupper()) or "_" in token or token.startswith("-") or _is_camel(token)


def _is_camel(token: str) -> bool:
    return re.search(r"[a-z][A-Z]", token) is not None


def _folded(token: str) -> str:
    folded = token.casefold().removesuffix("'s")
    return re.sub(r"(?<=\d)\.0+$", "", folded)


def _unit(unit: str) -> str:
    short = {"sec": "second", "min": "minute", "hr": "hour", "percent": "%", "per cent": "%"}
    singular = unit.removesuffix("s") if len(unit) > 2 else unit
    return short.get(singular, singular)


def _polarity_differs(a: str, b: str) -> bool:
    """By the parity of negations, line by line (when_to_use, content) where both have as many lines."""
    lines_a, lines_b = a.casefold().splitlines(), b.casefold().splitlines()
    if len(lines_a) != len(lines_b):
        lines_a, lines_b = [" ".join(lines_a)], [" ".join(lines_b)]
    return any(_negations(x) % 2 != _negations(y) % 2 for x, y in zip(lines_a, lines_b, strict=True))


def _negations(text: str) -> int:
    return len(_NEGATORS.findall(text))


def _directions_differ(a: str, b: str) -> bool:
    return any(_opposed(one, other, a.casefold(), b.casefold()) for one, other in _OPPOSITES)


def _opposed(one: re.Pattern[str], other: re.Pattern[str], a: str, b: str) -> bool:
    """One text speaks of this direction only, the other of the opposite only."""
    in_a = (one.search(a) is not None, other.search(a) is not None)
    in_b = (one.search(b) is not None, other.search(b) is not None)
    return in_a[0] != in_a[1] and in_b[0] != in_b[1] and in_a != in_b
