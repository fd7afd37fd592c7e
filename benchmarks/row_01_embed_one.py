"""Row 1: one question embedded, beside sentence-transformers."""

from __future__ import annotations

from typing import Any

from benchmarks.measures import Effort, Measure
from benchmarks.questions import text_of
from benchmarks.timing import interleaved
from index.embedders.onnx_sentence import OnnxSentenceEmbedder
from index.embedders.sameness import least_cosine
from index.embedders.sentence import PACKAGED, SentenceEmbedder
from index.vectors import unit

NUMBER = 1
TITLE = "One question embedded"

_PEER = "sentence-transformers"
_BOUNDS = {16: 0.50, 64: 0.75}


def measure(effort: Effort) -> list[Measure]:
    ours = OnnxSentenceEmbedder(PACKAGED, exports=effort.models_dir / "onnx", kept=0)
    theirs = SentenceEmbedder(PACKAGED).model()
    found = (_of_length(tokens, bound, ours, theirs, effort) for tokens, bound in _BOUNDS.items())
    return [measure for pair in found for measure in pair]


def _of_length(
    tokens: int, bound: float, ours: OnnxSentenceEmbedder, theirs: Any, effort: Effort
) -> tuple[Measure, Measure]:
    texts = [text_of(tokens, seed) for seed in range(effort.times + 1)]
    us, peer = interleaved(
        lambda turn: ours.embed_texts([texts[turn]]),
        lambda turn: theirs.encode([texts[turn]], show_progress_bar=False),
        times=effort.times,
    )
    cosine = least_cosine(ours.embed_texts(texts), unit(theirs.encode(texts, show_progress_bar=False)))
    return (
        Measure(f"{tokens} tokens", _PEER, us * 1000, peer * 1000, "ms", bound),
        Measure(f"least cosine, {tokens} tokens", _PEER, cosine, 1.0, "cosine", 0.9999, "at_least"),
    )
