"""Waiting for several works at once. What they are is the caller's affair."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def all_of(works: Iterable[Awaitable[T]]) -> list[T]:
    """Waits for all; their results in order, or the first error there was, once no work is left running behind it."""
    results: list[T] = []
    errors: list[BaseException] = []
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            errors.append(result)
        else:
            results.append(result)
    if errors:
        raise errors[0]
    return results
