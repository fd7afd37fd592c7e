"""One thread that embeds for all: what callers ask while it is busy goes into its next batch, and nobody sleeps."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import numpy as np

from index.protocols import Vectors

MOST = 32
"""Texts in a batch. A caller with more of them hands them in piece by piece, so that others get their turn."""

Embed = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class _Asked:
    texts: Sequence[str]
    rows: Future[Vectors] = field(default_factory=Future)


class Batcher:
    """`rows` may be called from any thread; `embed` is called from one thread only, with each text once.

    The thread begins with the first call and ends with the batcher. What `embed` raises for a batch of several
    callers is found out by a call for each of them, and raised to whom it concerns.
    """

    def __init__(self, embed: Embed, *, most: int = MOST) -> None:
        self._embed, self._most = embed, most
        self._queue: SimpleQueue[_Asked | None] = SimpleQueue()
        self._beginning = threading.Lock()
        self._begun = False

    @property
    def waiting(self) -> int:
        """Calls that are in no batch yet."""
        return self._queue.qsize()

    def rows(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order. Needs a text."""
        self._begin()
        by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found: dict[int, Vectors] = {}
        for start in range(0, len(texts), self._most):
            places = by_length[start : start + self._most]
            asked = _Asked([texts[place] for place in places])
            self._queue.put(asked)
            found.update(zip(places, asked.rows.result(), strict=True))
        return np.stack([found[place] for place in range(len(texts))])

    def _begin(self) -> None:
        with self._beginning:
            if self._begun:
                return
            # The thread knows the queue, not the batcher, which could not end else.
            thread = threading.Thread(
                target=_work, args=(self._queue, self._embed, self._most), name="embedding", daemon=True
            )
            thread.start()
            weakref.finalize(self, self._queue.put, None)
            self._begun = True


def _work(queue: SimpleQueue[_Asked | None], embed: Embed, most: int) -> None:
    held: _Asked | None = None
    while (first := held or queue.get()) is not None:
        batch, held = [first], None
        size = len(first.texts)
        ended = False
        while size < most:
            try:
                following = queue.get_nowait()
            except Empty:
                break
            if following is None:
                ended = True
                break
            if size + len(following.texts) > most:
                held = following
                break
            batch.append(following)
            size += len(following.texts)
        _answer(batch, embed)
        if ended:
            return


def _answer(batch: Sequence[_Asked], embed: Embed) -> None:
    texts = list(dict.fromkeys(text for asked in batch for text in asked.texts))
    try:
        rows = dict(zip(texts, embed(texts), strict=True))
        answers = [np.stack([rows[text] for text in asked.texts]) for asked in batch]
    except BaseException as error:  # whatever it is, it is for those who wait
        if len(batch) == 1:
            batch[0].rows.set_exception(error)
            return
        for asked in batch:
            _answer([asked], embed)
        return
    for asked, answer in zip(batch, answers, strict=True):
        asked.rows.set_result(answer)
