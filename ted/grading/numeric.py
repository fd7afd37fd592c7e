"""The numeric grader: the same number within a tolerance. It converts no units, and guesses nothing."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from ted.texts import shortened
from ted.trajectory import Grade

_SUPERSCRIPTS = re.compile("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207a\u207b]+")
_VULGAR = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e])")
_SIGNS = str.maketrans(
    {"\u2212": "-", "\u2013": "-", "\u2044": "/", "\u00d7": "x", "\u22c5": "x", "\u00b7": "x"}
)

_NUMBER = re.compile(
    r"""
    (?<![\w.^/]) (?<!\d,) (?<!\d:) (?<!\w-) (?<!\d[ ]/[ ])     # not inside a code, list, time or date
    (?P<sign>[+-]?) \s? (?P<currency>[$€£¥]?) \s? (?P<sign_after>[+-]?)
    (?: (?P<whole>\d+[ ])? (?P<over>\d+) [ ]?/[ ]? (?P<under>\d+)
      | (?P<digits> (?: \d{1,3} (?P<separator>[,\x20'_]) \d{3} (?: (?P=separator) \d{3} )* | \d+ )
                    (?: \.\d* )? | \.\d+ )
        (?: e (?P<exponent>[+-]?\d+) | [ ]?[x*][ ]? 10 [ ]? \^ [ ]? \{? (?P<power>[+-]?\d+) \}? )?
    )
    (?! \d | [.,:/-]\d | [ ]?\^ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_UNIT = re.compile(r"\s*(?P<unit>%|°\s?[a-z]?|[$€£¥]|[^\W\d_][\w/^*-]*)", re.IGNORECASE)
_UNIT_NAMES = {
    "$": "usd", "dollar": "usd", "dollars": "usd", "€": "eur", "euro": "eur", "euros": "eur", "£": "gbp",
    "pound": "gbp", "pounds": "gbp", "¥": "jpy", "yen": "jpy", "percent": "%", "pct": "%",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quantity:
    """A finite number and the word or sign of its unit, empty where there is none."""

    value: float
    unit: str = ""


def grade_numeric(final_answer: str, *, reference: str, tolerance: float) -> Grade:
    """Right within `tolerance`, absolute or relative to the reference, whichever is wider.

    A unit in the answer must be the reference's, if that has one; no unit is always tolerated.
    """
    expected, found = quantity(reference), quantity(final_answer)
    if expected is None:
        return Grade(False, f"the reference '{shortened(reference)}' is not one number")
    if found is None:
        return Grade(False, f"'{shortened(final_answer)}' does not hold exactly one number")
    if expected.unit and found.unit not in ("", expected.unit):
        return Grade(False, f"the unit '{found.unit}' is not '{expected.unit}'")
    if abs(found.value - expected.value) <= max(tolerance, tolerance * abs(expected.value)):
        return Grade(True)
    return Grade(False, f"{found.value:g} is not {expected.value:g} within {tolerance:g}")


def numeric_problem(reference: str) -> str | None:
    """Why this reference cannot be graded against, or None."""
    if quantity(reference) is None:
        return (
            f"'{shortened(reference)}' is not one number, as the grader 'numeric' needs: write it like 1234.5"
        )
    return None


def quantity(text: str) -> Quantity | None:
    """The one number of a text with its unit; None where there is no number, or more than one."""
    plain = _plain(text)
    found = list(_NUMBER.finditer(plain))
    if len(found) != 1:
        return None
    value = _value(found[0])
    return None if value is None else Quantity(value, _unit(found[0], plain))


def quantities(text: str) -> list[Quantity]:
    """All numbers of a text with their units, in order."""
    plain = _plain(text)
    found = ((_value(number), _unit(number, plain)) for number in _NUMBER.finditer(plain))
    return [Quantity(value, unit) for value, unit in found if value is not None]


def _plain(text: str) -> str:
    unlatexed = re.sub(r"\$([^$]*)\$", r"\1", text)
    marked = _SUPERSCRIPTS.sub(lambda m: "^" + m.group(), unlatexed)  # or NFKC makes 103 of ten to the third
    spaced = _VULGAR.sub(" ", marked)  # or it makes 11/2 of one and a half
    return unicodedata.normalize("NFKC", spaced).translate(_SIGNS)


def _value(number: re.Match[str]) -> float | None:
    if number["over"] is not None:
        if float(number["under"]) == 0:
            return None
        value = float(number["whole"] or 0) + float(number["over"]) / float(number["under"])
    else:
        digits = re.sub("[, '_]", "", number["digits"])
        value = float(f"{digits}e{number['exponent'] or number['power'] or 0}")
    negative = "-" in (number["sign"], number["sign_after"])
    return (-value if negative else value) if math.isfinite(value) else None


def _unit(number: re.Match[str], text: str) -> str:
    after = _UNIT.match(text, number.end())
    word = number["currency"] or (after["unit"] if after else "")
    folded = word.replace(" ", "").rstrip(".").casefold()
    return _UNIT_NAMES.get(folded, folded.removesuffix("s") if len(folded) > 3 else folded)
