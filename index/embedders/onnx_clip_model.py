"""An exported CLIP: pixels by Pillow, tokens by clip_words, rows by ONNX Runtime; neither torch nor a cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from index.embedders.clip_pixels import Transform
from index.embedders.clip_words import ClipWords
from index.embedders.onnx_session import open_session
from index.protocols import Vectors
from index.vectors import unit

VOCABULARY = "merges.txt.gz"
_BATCH = 16


class OnnxClipModel:
    """`facts`: `transform` and `length`, as export_clip tells them. Thread-safe."""

    def __init__(self, folder: Path, facts: dict[str, Any], *, threads: int) -> None:
        self._transform = Transform.of(facts["transform"])
        self._words = ClipWords(folder / VOCABULARY, length=facts["length"])
        self._image_tower = open_session(folder / "image.onnx", threads=threads)
        self._text_tower = open_session(folder / "text.onnx", threads=threads)

    def pictures(self, pictures: Sequence[Image.Image]) -> Vectors:
        """One unit row an RGB picture, in order; needs a picture."""
        pixels = [self._transform.pixels(picture) for picture in pictures]
        batches = (np.stack(pixels[start : start + _BATCH]) for start in range(0, len(pixels), _BATCH))
        return unit(np.concatenate([self._image_tower.run(None, {"pixels": batch})[0] for batch in batches]))

    def captions(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, in order; needs a text."""
        tokens = self._words.rows(texts)
        batches = (tokens[start : start + _BATCH] for start in range(0, len(tokens), _BATCH))
        return unit(np.concatenate([self._text_tower.run(None, {"tokens": batch})[0] for batch in batches]))
