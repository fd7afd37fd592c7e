"""An ImageEmbedder without a model: tiny colour thumbnails, and hashed captions that have nothing to do with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from index.embedders.hashing import HashingEmbedder
from index.embedders.pictures import rgb_picture
from index.protocols import Vectors
from index.vectors import unit

_SIDE = 8


class ThumbnailEmbedder:
    """A fake for tests of what passes images on: near images are near, near captions are near, but a similarity
    between an image and a caption means nothing."""

    def __init__(self) -> None:
        self._captions = HashingEmbedder(self.dimension)
        self.fingerprint = f"thumbnails@1:{_SIDE}"

    @property
    def dimension(self) -> int:
        return 3 * _SIDE * _SIDE

    def embed_images(self, images: Sequence[bytes]) -> Vectors:
        rows = np.empty((len(images), self.dimension), dtype=np.float32)
        for position, image in enumerate(images):
            thumbnail = rgb_picture(image, position=position).resize((_SIDE, _SIDE))
            # About middle grey: without it all images would be alike in being bright.
            rows[position] = np.asarray(thumbnail, dtype=np.float32).ravel() / 127.5 - 1
        return unit(rows)

    def embed_captions(self, texts: Sequence[str]) -> Vectors:
        return self._captions.embed_texts(texts)
