"""Row 7: a retrieval over HTTP, beside embedding and searching alone; and many questions at once, beside a queue."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measures import Effort, Measure
from benchmarks.questions import text_of
from benchmarks.served import fill, retrieve, served
from benchmarks.timing import interleaved
from index.embedders.onnx_sentence import OnnxSentenceEmbedder
from index.embedders.sentence import PACKAGED

NUMBER = 7
TITLE = "Retrieval over HTTP, and questions at once"

_TOKENS = 24
_CLIENTS = 8


def measure(effort: Effort) -> list[Measure]:
    embedder = OnnxSentenceEmbedder(PACKAGED, exports=effort.models_dir / "onnx", kept=0)
    return [_one_by_one(effort, embedder), _at_once(effort, embedder)]


def _one_by_one(effort: Effort, embedder: OnnxSentenceEmbedder) -> Measure:
    import faiss

    faiss.omp_set_num_threads(1)
    keys = embedder.embed_texts([text_of(20, number) for number in range(effort.experiences)])
    bare = faiss.IndexFlatIP(embedder.dimension)
    bare.add(keys)
    questions = [text_of(_TOKENS, 10_000 + seed) for seed in range(effort.times + 1)]
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), effort.models_dir) as client:
        fill(client, effort.experiences)
        us, peer = interleaved(
            lambda turn: retrieve(client, questions[turn]),
            lambda turn: bare.search(embedder.embed_texts([questions[turn]]), 4),
            times=effort.times,
        )
    what = f"one question at a time, {effort.experiences} experiences"
    return Measure(what, "bare embed and FAISS search", us * 1000, peer * 1000, "ms", 1.2)


def _at_once(effort: Effort, embedder: OnnxSentenceEmbedder) -> Measure:
    asked = effort.questions * _CLIENTS

    def with_texts(turn: int, embed: Callable[[str], object]) -> None:
        texts = [text_of(_TOKENS, turn * asked + number) for number in range(asked)]
        with ThreadPoolExecutor(_CLIENTS) as clients:
            for _ in clients.map(embed, texts):
                pass

    def batched(turn: int) -> None:
        with_texts(turn, lambda text: embedder.embed_texts([text]))

    def queued(turn: int) -> None:
        with ThreadPoolExecutor(1) as one:
            with_texts(turn, lambda text: one.submit(embedder.embed_texts, [text]).result())

    rounds = max(1, effort.times // 10)
    us, peer = interleaved(batched, queued, times=rounds)
    what = f"{_CLIENTS} clients at once, in batches of what waits"
    return Measure(what, "a pool of one thread", asked / us, asked / peer, "texts/s", 1.15, "at_least")
