"""The regex grader: the whole answer matches the reference's pattern, or is wrong within a second."""

from __future__ import annotations

import math

import regex

from ted.texts import shortened
from ted.trajectory import Grade

SECONDS = 1.0
MAX_PATTERN = 2_000
MAX_REPEATS = 1_000_000  # compiling writes repeats out: a{1000000000} alone takes gigabytes

_COUNTS = regex.compile(r"\{(\d*)(?:,(\d*))?\}")


def grade_regex(final_answer: str, *, reference: str) -> Grade:
    """Right where the answer, outer white space aside, matches in full; too slow a match is wrong."""
    problem = regex_problem(reference)
    if problem is not None:
        return Grade(False, problem)
    try:
        matched = regex.fullmatch(reference, final_answer.strip(), timeout=SECONDS)
    except (TimeoutError, MemoryError) as error:
        return Grade(False, f"the pattern '{shortened(reference)}' took too long: {type(error).__name__}")
    if matched:
        return Grade(True)
    return Grade(False, f"'{shortened(final_answer)}' does not match '{shortened(reference)}'")


def regex_problem(reference: str) -> str | None:
    """Why this reference cannot be graded against, or None."""
    if len(reference) > MAX_PATTERN:
        return f"the pattern has {len(reference):,} characters, more than {MAX_PATTERN:,}: make it shorter"
    repeats = math.prod(max(int(count or 1) for count in found) for found in _COUNTS.findall(reference))
    if repeats > MAX_REPEATS:
        return f"'{shortened(reference)}' repeats up to {MAX_REPEATS:,} times and more: use + or *"
    try:
        regex.compile(reference)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        return f"'{shortened(reference)}' does not compile as a regular expression: {error}"
    return None
