"""Made-up texts of a given number of tokens, another one each time, so that no cache knows them."""

from __future__ import annotations

import random

_SENTENCE = (
    "the customer asks for a refund of his flight and we send it to one queue with all other tickets that came in "
    "this week from an office where printer paper or phone line was out again so please look at what can be done"
)
WORDS = _SENTENCE.split()
"""One token each, in MiniLM's vocabulary."""

_AROUND = 2  # what the tokenizer puts before and behind


def text_of(tokens: int, seed: int) -> str:
    """That many tokens, with the two that the tokenizer adds."""
    drawn = random.Random(seed * 1000 + tokens)
    return " ".join(drawn.choice(WORDS) for _ in range(tokens - _AROUND))
