"""What another library raised, as a part of a sentence of ours; what to do about it is the embedder's to say."""

from __future__ import annotations


def in_one_line(error: Exception) -> str:
    """Class and message, without the line breaks that hubs put into theirs."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
