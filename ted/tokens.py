"""Estimates of tokens before a provider has counted them; bills come from the provider's own numbers."""

from __future__ import annotations

import json
from math import ceil

from ted.chat import ChatRequest

IMAGE_TOKENS = 2_000
"""An upper bound of what one image costs at the providers we know."""

MESSAGE_OVERHEAD = 16
"""Role markers and the like, per message; an upper bound."""


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has: a quarter of its UTF-8 bytes, rounded up."""
    return ceil(len(text.encode()) / 4)


def worst_case_prompt_tokens(request: ChatRequest) -> int:
    """No byte-pair tokenizer makes more tokens than bytes, so this bounds the prompt of `request` from above.

    Providers count a schema as part of the prompt.
    """
    total = len(json.dumps(request.schema).encode()) if request.schema else 0
    for message in request.messages:
        total += MESSAGE_OVERHEAD
        for part in message.parts:
            total += len(part.encode()) if isinstance(part, str) else IMAGE_TOKENS
    return total
