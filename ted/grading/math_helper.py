"""The process in which mathematics is compared: JSON lines in, JSON lines out. Run by ted/grading/math_process alone.

It ends itself once one comparison has used up its processor time, whatever Python or C code is running then.
"""

from __future__ import annotations

import json
import logging
import re
import resource
import signal
import sys

MEMORY_BYTES = 2 * 1024**3
"""Of the address space: `10**10**10` wants more than there is."""

_DELIMITED = re.compile(r"\$|\\\(|\\\[|\\boxed")
_WORD = re.compile(r"(?<![\\{a-zA-Z])[a-zA-Z]{3,}")
_NAMES = frozenset(("sqrt", "sin", "cos", "tan", "log", "exp", "mod", "inf"))


def readings(text: str) -> tuple[str, ...]:
    """How a text may be read, in the order in which it is tried: what is not prose is LaTeX as a whole, if it can be."""
    bare = text.strip().removesuffix(".")
    if _DELIMITED.search(bare):
        return (bare,)
    prose = any(word.casefold() not in _NAMES for word in _WORD.findall(bare))
    return (bare,) if prose else (f"${bare}$", bare)


def parsed(text: str) -> list[object]:
    """What math-verify makes of the text; nothing where it holds no mathematics."""
    from math_verify import parse

    for reading in readings(text):
        found: list[object] = parse(reading, parsing_timeout=None)
        if any(not isinstance(value, str) for value in found):
            return found
    return []


def compared(reference: str, answer: str) -> dict[str, bool]:
    """`known`: the reference is mathematics; `found`: the answer is; `same`: both are one value."""
    from math_verify import verify

    expected, given = parsed(reference), parsed(answer)
    same = bool(expected and given and verify(expected, given, timeout_seconds=None))
    return {"known": bool(expected), "found": bool(given), "same": same}


def main() -> None:
    """Answers until its input ends. The first line it writes tells that it is warm."""
    logging.disable(logging.CRITICAL)
    seconds = float(sys.argv[1])
    compared("$\\frac{1}{2}$", "0.5")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    print("{}", flush=True)
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, seconds)  # its signal ends the process
        try:
            told = compared(*json.loads(line))
        except Exception as error:  # sympy raises nearly anything on what it does not understand
            told = {"error": f"{type(error).__name__}: {error}"[:200]}  # type: ignore[dict-item]
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
