"""An ImageEmbedder on open_clip: by model name and pretrained tag, from the hub, or from a local folder.

What serves is index/embedders/onnx_clip, where the model can be exported; this is what it is exported from.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from index.embedders.failures import in_one_line
from index.embedders.fingerprints import of_folder, of_weights
from index.embedders.pictures import rgb_picture
from index.embedders.recent import RecentVectors
from index.errors import EmbedderUnavailable
from index.protocols import Vectors
from index.vectors import unit

LOCAL = "local-dir:"
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Clip:
    """What open_clip has loaded."""

    model: Any
    preprocess: Callable[[Any], Any]
    tokenize: Callable[[list[str]], Any]


class ClipEmbedder:
    """`ViT-B-32` with `laion2b_s34b_b79k`, `hf-hub:<owner>/<name>` or `local-dir:<folder>`. Loaded at first use.

    Captions beyond the model's context are cut; vectors of recent ones are kept. `threads` is torch's, for the
    whole process.
    """

    def __init__(
        self, name: str, pretrained: str | None = None, *, threads: int = 1, kept: int = 4096
    ) -> None:
        if pretrained is None and ":" not in name:
            raise EmbedderUnavailable(
                f"the image embedder '{name}' has no weights without a pretrained tag: name one, as in "
                f"'ViT-B-32/laion2b_s34b_b79k', or a folder as '{LOCAL}<folder>'"
            )
        self._name, self._pretrained, self._threads = name, pretrained, threads
        self._lock = threading.Lock()  # one at a time: one thread computes
        self._clip: Clip | None = None
        self._recent = RecentVectors(kept)

    @cached_property
    def fingerprint(self) -> str:
        """Of a folder, its name and a hash of its files; else model, tag and a hash of the weights."""
        if self._name.startswith(LOCAL):
            folder = Path(self._name.removeprefix(LOCAL)).resolve()
            if not folder.is_dir():
                raise self._unavailable("no such folder")
            return f"clip:{folder.name}@{of_folder(folder)}"
        with self._lock:
            name = "/".join(filter(None, (self._name, self._pretrained)))
            return f"clip:{name}@{of_weights(self._loaded().model)}"

    @cached_property
    def dimension(self) -> int:
        return int(self._captions([""]).shape[1])

    def embed_images(self, images: Sequence[bytes]) -> Vectors:
        if not images:
            return np.empty((0, self.dimension), dtype=np.float32)
        batches = []
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH]
            pictures = [rgb_picture(image, position=i) for i, image in enumerate(batch, start)]
            batches.append(self._pictures(pictures))
        return np.concatenate(batches)

    def embed_captions(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return self._recent.rows(texts, self._captions)

    @property
    def folder(self) -> Path | None:
        """The local folder it is loaded from, or None."""
        return Path(self._name.removeprefix(LOCAL)) if self._name.startswith(LOCAL) else None

    def clip(self) -> Clip:
        """The model, its transform and its tokenizer, loaded. Raises EmbedderUnavailable."""
        with self._lock:
            return self._loaded()

    def pictures(self, pictures: Sequence[Any]) -> Vectors:
        """One row an RGB picture of Pillow's."""
        return self._pictures(pictures)

    def _pictures(self, pictures: Sequence[Any]) -> Vectors:
        with self._lock:
            clip = self._loaded()
            import torch

            with torch.inference_mode():
                pixels = torch.stack([clip.preprocess(picture) for picture in pictures])
                return unit(clip.model.encode_image(pixels).float().numpy())

    def _captions(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            clip = self._loaded()
            import torch

            with torch.inference_mode():
                batches = [
                    clip.model.encode_text(clip.tokenize(list(texts[start : start + _BATCH]))).float().numpy()
                    for start in range(0, len(texts), _BATCH)
                ]
            return unit(np.concatenate(batches))

    def _loaded(self) -> Clip:
        if self._clip is None:
            try:
                import open_clip
                import torch

                torch.set_num_threads(self._threads)
                # Refuses to go on with random weights where none are found; `create_model` would only warn.
                model, preprocess = open_clip.create_model_from_pretrained(
                    self._name, pretrained=self._pretrained, device="cpu"
                )
                self._clip = Clip(model.eval(), preprocess, open_clip.get_tokenizer(self._name))
            # Whatever hub, file formats and torch raise: no common class, one meaning.
            except Exception as error:
                raise self._unavailable(in_one_line(error)) from error
        return self._clip

    def _unavailable(self, why: str) -> EmbedderUnavailable:
        tag = f" with the weights '{self._pretrained}'" if self._pretrained else ""
        return EmbedderUnavailable(
            f"the image embedder '{self._name}'{tag} cannot be loaded ({why}): check the name, the tag and the way "
            f"to the hub, or name a folder with an open_clip_config.json and weights as '{LOCAL}<folder>'"
        )
