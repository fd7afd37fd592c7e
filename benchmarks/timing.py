"""Seconds of two things done in turn, so that what else the machine does falls on both alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

Work = Callable[[int], object]
"""One piece of work; it is given how often it was done before, to do another one each time."""


def interleaved(ours: Work, peer: Work, *, times: int) -> tuple[float, float]:
    """The median seconds of each, after one time that does not count; who is first changes every time."""
    ours(0), peer(0)
    seconds: dict[Work, list[float]] = {ours: [], peer: []}
    for turn in range(1, times + 1):
        for work in (ours, peer) if turn % 2 else (peer, ours):
            began = time.perf_counter()
            work(turn)
            seconds[work].append(time.perf_counter() - began)
    return median(seconds[ours]), median(seconds[peer])
