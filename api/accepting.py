"""Which of the forms that there are a request wants: the header Accept, of RFC 9110."""

from __future__ import annotations

import math
from collections.abc import Sequence

from starlette.exceptions import HTTPException


def wanted_of(accept: str, forms: Sequence[str]) -> str:
    """The form of the greatest weight, the first of those of equal weight. Raises 406 where none is acceptable."""
    ranges = [_range(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    weighed = [(_weight(form, ranges), form) for form in forms]
    best = max(weight for weight, _ in weighed)
    if best <= 0:
        raise HTTPException(406, f"there is {', '.join(forms)}: Accept one of them")
    return next(form for weight, form in weighed if weight == best)


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [p.removeprefix("q=") for p in parameters if p.startswith("q=")]
    try:
        weight = float(weights[0]) if weights else 1.0
    except ValueError:
        return name, 1.0
    return name, 1.0 if math.isnan(weight) else min(max(weight, 0.0), 1.0)


def _weight(form: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Of the most specific range that holds the form."""
    for name in (form, f"{form.partition('/')[0]}/*", "*/*"):
        found = [weight for known, weight in ranges if known == name]
        if found:
            return found[0]
    return 0.0
