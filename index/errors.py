"""The error tree of index: a message says what, which value, and what to do.

IndexingError
├── DimensionMismatch    vectors of another width than the index or embedder has
├── DuplicateId          an id is in the index already, or twice in one call
├── EmbedderUnavailable  a model cannot be loaded: not there, no hub, wrong name
└── UnreadableImage      bytes that the image embedder cannot decode
"""

from __future__ import annotations


class IndexingError(Exception):
    """Root of everything index raises on purpose."""


class DimensionMismatch(IndexingError):
    """Vectors of another width than the index or embedder has."""


class DuplicateId(IndexingError):
    """An id is in the index already, or stands twice in one call."""


class EmbedderUnavailable(IndexingError):
    """A model cannot be loaded."""


class UnreadableImage(IndexingError):
    """Bytes that the image embedder cannot decode."""
