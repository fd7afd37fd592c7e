"""Which grader suits a reference answer, by its look alone: the same reference always gets the same one."""

from __future__ import annotations

import json
import re

from ted.grading.numeric import quantity
from ted.sample import Choice, Exact, Json, Math, Numeric, SelfGraded

_OPTION = re.compile(r"[A-Z]|[(\[]\s*[A-Za-z]\s*[)\]]|[A-Z][).:](?:\s+\S.*)?", re.DOTALL)
_NUMBER = re.compile(
    r"[+\-\u2212]?\s?[$\u20ac\u00a3\u00a5]?\s?[+\-\u2212]?[\d.][^\W_a-zA-Z]*[\d.,'_ /\u00bc-\u00be\u2150-\u215e]*"
    r"(?:e[+-]?\d+)?\s*(?:%|\u00b0\s?[a-z]?|[$\u20ac\u00a3\u00a5]|[^\W\d_][\w/^*-]*)?\.?",
    re.IGNORECASE,
)
_LATEX = re.compile(r"\\[a-zA-Z]+|\$[^$]+\$|\w\^|\w_\{")
_EXPRESSION = re.compile(
    r"[\w\s+\-*/^().,=<>]*(?:[*^=]|[\w)]\s*\+|\b(?:sqrt|pi|sin|cos|tan|log|ln|exp)\b)[\w\s+\-*/^().,=<>]*"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_NAMES = frozenset(("sqrt", "pi", "sin", "cos", "tan", "log", "ln", "exp"))


def chosen_for(reference: str) -> SelfGraded:
    """The first that fits: `json` for an object or a list, `choice` for an option's letter, `numeric` for one number

    with at most one word of a unit, `math` for LaTeX or an expression, else `exact`.
    """
    text = reference.strip()
    if _is_json(text):
        return Json()
    if _OPTION.fullmatch(text):
        return Choice()
    if _NUMBER.fullmatch(text) and quantity(text) is not None:
        return Numeric()
    if _LATEX.search(text) or _is_expression(text):
        return Math()
    return Exact()


def _is_json(text: str) -> bool:
    if not text.startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_expression(text: str) -> bool:
    """Signs of mathematics, and no word but a function's name; a hyphen or a slash alone is part of many a code."""
    return _EXPRESSION.fullmatch(text) is not None and set(_WORD.findall(text.casefold())) <= _NAMES
