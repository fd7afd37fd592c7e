"""Errors of the REST face itself: what in a request cannot be used, and where it stands there."""

from __future__ import annotations

import re

from ted.errors import BadInput, BadSampleLine, BadSamples, NotFound


class BadField(BadInput):
    """A field of a request cannot be used; `loc` is where it stands."""

    def __init__(self, loc: tuple[str | int, ...], problem: str) -> None:
        super().__init__(f"{'.'.join(map(str, loc[1:]))}: {problem}")
        self.errors = ((loc, problem),)


class BadInlineSamples(BadInput):
    """Samples in a request cannot be used; every bad one is told by its position and field."""

    def __init__(self, bad: BadSamples, field: str = "samples") -> None:
        items = len({error.line for error in bad.errors})
        super().__init__(
            f"{len(bad.errors)} problems in {items} of the samples: nothing was done, see `errors`"
        )
        self.errors = tuple((_place(error, field), error.problem) for error in bad.errors)


class BadFileSamples(BadInput):
    """Samples in an uploaded file cannot be used; the bad ones are told by their line, from 1, and field."""

    TOLD = 1_000

    def __init__(self, bad: BadSamples) -> None:
        super().__init__(str(bad))
        places = ((("file", e.line, *_parts(e.field)), e.problem) for e in bad.errors[: self.TOLD])
        self.errors: tuple[tuple[tuple[str | int, ...], str], ...] = tuple(places)


class ModelNotFound(NotFound):
    """There is no such model; `errors` tells where a request's body names it."""

    def __init__(self, message: str, *, loc: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.errors = ((loc, message),)


def _place(error: BadSampleLine, field: str) -> tuple[str | int, ...]:
    """`images[1]` of the sample at position 3 is `body, samples, 3, images, 1`."""
    return ("body", field, error.line, *_parts(error.field))


def _parts(field: str) -> tuple[str | int, ...]:
    parts = re.findall(r"[^.\[\]]+", field)
    return tuple(int(p) if p.isdigit() else p for p in parts)
