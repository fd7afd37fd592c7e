"""CLIP's byte-pair encoding of captions, token for token that of OpenAI and open_clip, without torch."""

from __future__ import annotations

import gzip
import html
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

START, END = "<start_of_text>", "<end_of_text>"
_MERGES = 49152 - 256 - 2
_WORD_END = "</w>"
_WORDS = rf"{START}|{END}|'s|'t|'re|'ve|'m|'ll|'d|[\p{{L}}]+|[\p{{N}}]|[^\s\p{{L}}\p{{N}}]+"


class ClipWords:
    """`vocabulary` is open_clip's file of merges; captions are cut to `length` tokens, first and last included."""

    def __init__(self, vocabulary: Path, *, length: int) -> None:
        import regex

        lines = gzip.decompress(vocabulary.read_bytes()).decode("utf-8").split("\n")[1 : _MERGES + 1]
        merges = [(first, second) for first, second in (line.split() for line in lines)]
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._letters = _letters()
        letters = list(self._letters.values())
        tokens = [*letters, *(letter + _WORD_END for letter in letters)]
        tokens += [first + second for first, second in merges]
        self._ids = {token: place for place, token in enumerate([*tokens, START, END])}
        self._words = regex.compile(_WORDS, regex.IGNORECASE)
        self._length = length
        self._merged = lru_cache(maxsize=65_536)(self._tokens)

    def rows(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Shape (n, length), zeros behind the end."""
        rows = np.zeros((len(texts), self._length), dtype=np.int64)
        for row, text in zip(rows, texts, strict=True):
            tokens = [self._ids[START], *self._encoded(text), self._ids[END]][: self._length]
            row[: len(tokens)] = tokens
            row[len(tokens) - 1] = self._ids[END]
        return rows

    def _encoded(self, text: str) -> list[int]:
        from ftfy import fix_text

        mended = html.unescape(html.unescape(fix_text(text)))
        words = self._words.findall(" ".join(mended.split()).lower())
        return [token for word in words for token in self._merged(word)]

    def _tokens(self, word: str) -> tuple[int, ...]:
        if word in (START, END):
            return (self._ids[word],)
        parts = [self._letters[byte] for byte in word.encode("utf-8")]
        parts[-1] += _WORD_END
        while len(parts) > 1:
            best = min(pairwise(parts), key=lambda pair: self._ranks.get(pair, _MERGES))
            if best not in self._ranks:
                break
            parts = _joined(parts, best)
        return tuple(self._ids[part] for part in parts)


def _joined(parts: list[str], pair: tuple[str, str]) -> list[str]:
    """The parts with that pair made one, wherever it stands."""
    joined: list[str] = []
    place = 0
    while place < len(parts):
        if tuple(parts[place : place + 2]) == pair:
            joined.append(pair[0] + pair[1])
            place += 2
        else:
            joined.append(parts[place])
            place += 1
    return joined


def _letters() -> dict[int, str]:
    """For each byte a letter that can be seen: itself where it can be, else one beyond the first 256."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    unseen = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + n) for n, byte in enumerate(unseen)}
