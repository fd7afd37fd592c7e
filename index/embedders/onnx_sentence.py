"""A TextEmbedder that serves a sentence-transformers model by ONNX Runtime, without importing torch.

The export is made at first use, once, and kept. A model that cannot be exported is served by torch, with a warning.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from index.embedders.batching import Batcher
from index.embedders.exports import Export, Exports
from index.embedders.hub_cache import cached_commit
from index.embedders.onnx_text_model import OnnxTextModel
from index.embedders.recent import RecentVectors
from index.embedders.sentence import SentenceEmbedder
from index.protocols import Vectors


@dataclass(frozen=True, slots=True)
class _Serving:
    fingerprint: str
    dimension: int
    batcher: Batcher


class OnnxSentenceEmbedder:
    """Names, folders and fingerprints are SentenceEmbedder's, and rows are equal to its own (cosine >= 0.9999).

    `exports` is the folder of exports. One thread embeds, in batches of what callers ask at the time; vectors of
    recent texts are kept. `threads` is for one operator of ONNX Runtime.
    """

    def __init__(
        self,
        name: str,
        *,
        exports: Path,
        threads: int = 1,
        kept: int = 4096,
        cache_folder: Path | None = None,
    ) -> None:
        self._name, self._threads, self._cache_folder = name, threads, cache_folder
        self._origin = SentenceEmbedder(name, threads=threads, kept=0, cache_folder=cache_folder)
        self._exports = Exports(
            exports,
            label=f"sentence:{name}",
            key=self._key,
            module="index.embedders.export_sentence",
            arguments=(name, str(cache_folder or "")),
        )
        self._recent = RecentVectors(kept)
        self._lock = threading.Lock()
        self._serving: _Serving | None = None

    @cached_property
    def fingerprint(self) -> str:
        """SentenceEmbedder's."""
        return self._origin.fingerprint if self._origin.folder is not None else self._served().fingerprint

    @cached_property
    def dimension(self) -> int:
        return self._served().dimension

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._recent.rows(texts, self._served().batcher.rows)

    def _served(self) -> _Serving:
        with self._lock:
            if self._serving is None:
                self._serving = self._exports.served(self._by_onnx) or self._by_torch()
            return self._serving

    def _by_onnx(self, export: Export) -> _Serving:
        model = OnnxTextModel(export.folder, export.facts, threads=self._threads)
        return _Serving(export.fingerprint, export.dimension, Batcher(model.rows))

    def _by_torch(self) -> _Serving:
        origin = self._origin
        return _Serving(origin.fingerprint, origin.dimension, Batcher(origin.embed_texts))

    def _key(self) -> str | None:
        """Of a folder, its fingerprint; of a hub's model, its name and the commit in the cache."""
        if self._origin.folder is not None:
            return self._origin.fingerprint
        names = (self._name,) if "/" in self._name else (f"sentence-transformers/{self._name}", self._name)
        home = os.environ.get("SENTENCE_TRANSFORMERS_HOME")
        folder = self._cache_folder or (Path(home) if home else None)
        commit = cached_commit(names, "config.json", folder)
        return None if commit is None else f"sentence-{commit}"
