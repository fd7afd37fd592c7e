"""A hundred questions of no domain in particular, against which a bank measures what is not its own affair."""

from __future__ import annotations

from importlib.resources import files
from weakref import WeakKeyDictionary

from index.protocols import TextEmbedder, Vectors

_embedded: WeakKeyDictionary[TextEmbedder, Vectors] = WeakKeyDictionary()


def foreign_questions(embedder: TextEmbedder) -> Vectors:
    """Their vectors by this embedder, one row a question; embedded once a process and embedder."""
    if embedder not in _embedded:
        _embedded[embedder] = embedder.embed_texts(_lines())
    return _embedded[embedder]


def _lines() -> list[str]:
    text = files("ted.bank").joinpath("foreign_questions.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
