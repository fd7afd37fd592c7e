"""Vectors of recently embedded texts, so that a text is embedded once; how it is embedded is the embedder's affair."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from index.protocols import Vectors


class RecentVectors:
    """At most `size` texts with their rows, the least recently used forgotten first. Thread-safe."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rows: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self, texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]) -> Vectors:
        """One row a text, in order. `embed` gets those not known, each once, and is not called where there is none.

        It is called without the lock, so that who asks for known texts does not wait for a long batch. Needs a text.
        """
        found: dict[str, Vectors] = {}
        with self._lock:
            for text in texts:
                if text in self._rows:
                    self._rows.move_to_end(text)
                    found[text] = self._rows[text]
        fresh = [text for text in dict.fromkeys(texts) if text not in found]
        if fresh:
            embedded = embed(fresh)
            found.update(zip(fresh, embedded, strict=True))
            with self._lock:
                # Copies: a view would keep the whole batch in memory.
                self._rows.update((text, row.copy()) for text, row in zip(fresh, embedded, strict=True))
                while len(self._rows) > self._size:
                    self._rows.popitem(last=False)
        return np.stack([found[text] for text in texts])
