"""An ImageEmbedder that serves an open_clip model by ONNX Runtime, without importing torch.

The export is made at first use, once, and kept. A model that cannot be exported is served by torch, with a warning.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from index.embedders.batching import Batcher
from index.embedders.clip import ClipEmbedder
from index.embedders.exports import Export, Exports
from index.embedders.hub_cache import cached_commit
from index.embedders.onnx_clip_model import OnnxClipModel
from index.embedders.pictures import rgb_picture
from index.embedders.recent import RecentVectors
from index.protocols import Vectors

_HUB = "hf-hub:"
_BATCH = 16


@dataclass(frozen=True, slots=True)
class _Serving:
    fingerprint: str
    dimension: int
    pictures: Callable[[Sequence[Any]], Vectors]
    captions: Batcher


class OnnxClipEmbedder:
    """Names, folders and fingerprints are ClipEmbedder's, and rows are equal to its own (cosine >= 0.9999).

    `exports` is the folder of exports. One thread embeds captions, in batches of what callers ask at the time;
    vectors of recent ones are kept. `threads` is for one operator of ONNX Runtime.
    """

    def __init__(
        self, name: str, pretrained: str | None = None, *, exports: Path, threads: int = 1, kept: int = 4096
    ) -> None:
        self._name, self._pretrained, self._threads = name, pretrained, threads
        self._origin = ClipEmbedder(name, pretrained, threads=threads, kept=0)
        self._exports = Exports(
            exports,
            label="clip:" + "/".join(filter(None, (name, pretrained))),
            key=self._key,
            module="index.embedders.export_clip",
            arguments=(name, pretrained or ""),
        )
        self._recent = RecentVectors(kept)
        self._lock = threading.Lock()
        self._drawing = threading.Lock()  # one at a time: one thread computes
        self._serving: _Serving | None = None

    @cached_property
    def fingerprint(self) -> str:
        """ClipEmbedder's."""
        return self._origin.fingerprint if self._origin.folder is not None else self._served().fingerprint

    @cached_property
    def dimension(self) -> int:
        return self._served().dimension

    def embed_images(self, images: Sequence[bytes]) -> Vectors:
        if not images:
            return np.empty((0, self.dimension), dtype=np.float32)
        serving, rows = self._served(), []
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            pictures = [rgb_picture(image, position=place) for place, image in enumerate(batch, start)]
            with self._drawing:
                rows.append(serving.pictures(pictures))
        return np.concatenate(rows)

    def embed_captions(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._recent.rows(texts, self._served().captions.rows)

    def _served(self) -> _Serving:
        with self._lock:
            if self._serving is None:
                self._serving = self._exports.served(self._by_onnx) or self._by_torch()
            return self._serving

    def _by_onnx(self, export: Export) -> _Serving:
        model = OnnxClipModel(export.folder, export.facts, threads=self._threads)
        return _Serving(export.fingerprint, export.dimension, model.pictures, Batcher(model.captions))

    def _by_torch(self) -> _Serving:
        origin = self._origin
        captions = Batcher(origin.embed_captions)
        return _Serving(origin.fingerprint, origin.dimension, origin.pictures, captions)

    def _key(self) -> str | None:
        """Of a folder, its fingerprint; of a hub's model, its name and the commit in the cache; else model and tag."""
        if self._origin.folder is not None:
            return self._origin.fingerprint
        if not self._name.startswith(_HUB):
            return f"clip-{self._name}-{self._pretrained}"
        commit = cached_commit((self._name.removeprefix(_HUB),), "open_clip_config.json", None)
        return None if commit is None else f"clip-{commit}"
