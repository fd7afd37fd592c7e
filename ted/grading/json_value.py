"""The json grader: the same JSON value, however it is written. Schemas are not its affair."""

from __future__ import annotations

import json
import re
from typing import Any

from ted.texts import shortened
from ted.trajectory import Grade

_FENCE = re.compile(r"```(?:json[c5]?)?\s*\n?(?P<body>.*?)```", re.DOTALL | re.IGNORECASE)


def grade_json(final_answer: str, *, reference: str) -> Grade:
    """Right where both are one value: keys in any order, 1 is 1.0, true is not 1; a fence is tolerated."""
    try:
        expected = _value(reference)
    except (ValueError, RecursionError) as error:
        return Grade(False, f"the reference is not JSON: {_why(error)}")
    try:
        found = _value(_unfenced(final_answer))
        same = _same(found, expected)
    except (ValueError, RecursionError) as error:
        return Grade(False, f"'{shortened(final_answer)}' is not JSON: {_why(error)}")
    return (
        Grade(True)
        if same
        else Grade(False, f"'{shortened(final_answer)}' is another value than the reference")
    )


def json_problem(reference: str) -> str | None:
    """Why this reference cannot be graded against, or None."""
    try:
        _value(reference)
    except (ValueError, RecursionError) as error:
        return f"'{shortened(reference)}' does not parse as JSON, as the grader 'json' needs: {_why(error)}"
    return None


def _value(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _why(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _unfenced(text: str) -> str:
    fences = _FENCE.findall(text)
    return fences[0] if len(fences) == 1 else text


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)
