"""An exported sentence-transformers model: tokens by tokenizers, rows by ONNX Runtime, neither torch nor a cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from index.embedders.onnx_session import open_session
from index.protocols import Vectors
from index.vectors import unit

_BATCH = 32
_STEP = 16
"""Texts go together whose lengths in tokens round up to the same multiple of this: padding costs as much as words."""


class OnnxTextModel:
    """`facts`: `inputs`, `max_length`, `padding` and `prompt`, as export_sentence tells them. Thread-safe."""

    def __init__(self, folder: Path, facts: dict[str, Any], *, threads: int) -> None:
        from tokenizers import Tokenizer

        self._inputs: list[str] = facts["inputs"]
        self._prompt: str = facts["prompt"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(facts["max_length"], direction=facts["padding"]["cut"])
        self._padding = facts["padding"]
        self._session = open_session(folder / "model.onnx", threads=threads)

    def rows(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, in order; needs a text."""
        # Not `encode_batch`, which takes threads of its own to it.
        encoded = [self._tokenizer.encode(self._prompt + text) for text in texts]
        made: list[tuple[list[int], Any]] = []
        for places in _batches([len(tokens.ids) for tokens in encoded]):
            batch = [encoded[place] for place in places]
            length = max(len(tokens.ids) for tokens in batch)
            fed = {name: self._matrix(name, batch, length) for name in self._inputs}
            made.append((places, self._session.run(None, fed)[0]))
        rows = np.empty((len(texts), made[0][1].shape[1]), dtype=np.float32)
        for places, found in made:
            rows[places] = found
        return unit(rows)

    def _matrix(self, name: str, batch: Sequence[Any], length: int) -> Any:
        filling, values = {
            "input_ids": (self._padding["id"], [tokens.ids for tokens in batch]),
            "attention_mask": (0, [tokens.attention_mask for tokens in batch]),
            "token_type_ids": (self._padding["type_id"], [tokens.type_ids for tokens in batch]),
        }[name]
        matrix = np.full((len(batch), length), filling, dtype=np.int64)
        for row, value in zip(matrix, values, strict=True):
            if self._padding["side"] == "left":
                row[length - len(value) :] = value
            else:
                row[: len(value)] = value
        return matrix


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The places of texts of about one length, at most _BATCH at a time."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == _BATCH or _rounded(lengths[place]) != _rounded(lengths[batch[0]])):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _rounded(length: int) -> int:
    return -(-length // _STEP)
