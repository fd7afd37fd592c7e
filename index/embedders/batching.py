"""One at a time embeds for all: what callers ask meanwhile is the next batch of one thread, and nobody polls.

A caller who finds nobody at it embeds for itself: it would only wait for the thread.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

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
    """`rows` may be called from any thread; `embed` is called by one thread at a time, with each text once.

    The thread begins with the first call that has to wait and ends with the batcher. What `embed` raises for a batch
    of several callers is found out by a call for each of them, and raised to whom it concerns.
    """

    def __init__(self, embed: Embed, *, most: int = MOST) -> None:
        self._embed, self._most = embed, most
        self._queue = _Queue()
        self._turn = threading.Lock()  # whoever embeds has it
        self._beginning = threading.Lock()
        self._begun = False

    @property
    def waiting(self) -> int:
        """Calls that are in no batch yet."""
        return len(self._queue.asked)

    def rows(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order. Needs a text."""
        by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found: dict[int, Vectors] = {}
        for start in range(0, len(texts), self._most):
            places = by_length[start : start + self._most]
            found.update(zip(places, self._piece([texts[place] for place in places]), strict=True))
        return np.stack([found[place] for place in range(len(texts))])

    def _piece(self, texts: Sequence[str]) -> Vectors:
        asked = _Asked(texts)
        if not self._queue.asked and self._turn.acquire(blocking=False):
            try:
                _answer([asked], self._embed)
            finally:
                self._turn.release()
        else:
            self._begin()
            self._queue.asked.append(asked)
            self._queue.told.release()
        return asked.rows.result()

    def _begin(self) -> None:
        with self._beginning:
            if self._begun:
                return
            # The thread knows all but the batcher, which could not end else.
            work = (self._queue, self._turn, self._embed, self._most)
            threading.Thread(target=_work, args=work, name="embedding", daemon=True).start()
            weakref.finalize(self, self._queue.end)
            self._begun = True


@dataclass(frozen=True, slots=True)
class _Queue:
    """What is asked, and a count of what was told to the thread; that it is to end, too."""

    asked: deque[_Asked] = field(default_factory=deque)
    told: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self) -> None:
        self.ended.set()
        self.told.release()

    def batch(self, most: int) -> list[_Asked]:
        """The first that wait, as far as they go into a batch together; none where none waits."""
        batch: list[_Asked] = []
        size = 0
        while self.asked and (not batch or size + len(self.asked[0].texts) <= most):
            batch.append(self.asked.popleft())
            size += len(batch[-1].texts)
        return batch


def _work(queue: _Queue, turn: threading.Lock, embed: Embed, most: int) -> None:
    while queue.told.acquire() and not queue.ended.is_set():
        with turn:
            if batch := queue.batch(most):  # else it went with an earlier one
                _answer(batch, embed)


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
