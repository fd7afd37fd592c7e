"""Texts and pictures on which an exported model must agree with the model it came from, before it may serve."""

from __future__ import annotations

import numpy as np
from PIL import Image

from index.protocols import Vectors

LEAST_COSINE = 0.9999

TEXTS = (
    "",
    "printer",
    "?!",
    "  spaces \t around\nand between  ",
    "Which queue does a refund for a cancelled flight go to?",
    "THE PRINTER ON THE THIRD FLOOR IS OUT OF TONER AGAIN; ask sam@example.com, or #4711.",
    "Häufige Fragen: 你好 - ¿qué? naïve café, Ελληνικά, русский, עברית, 日本語のテキスト",
    "emoji 🙂👩‍🚀, ligatures ﬁ, combining e\u0301, a zero\u200bwidth space, \x07 a bell",
    "x = 3*y + 2; print(f'{x:>10}')  # <b>bold</b> &amp; &lt;escaped&gt; <end_of_text> [MASK]",
    "a " * 60,
    "The customer asks for a refund of a cancelled flight. " * 12,
    "The customer asks for a refund of a cancelled flight. " * 200,
    "unbroken" * 300,
)


def pictures() -> list[Image.Image]:
    """RGB pictures: square, wide, tall, tiny, with edges and with noise; the same ones each time."""
    made = []
    for width, height in ((48, 48), (224, 224), (301, 97), (64, 333), (7, 5), (640, 480)):
        noise = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
        noise[: height // 2, : width // 2] = (200, 30, 60)
        made.append(Image.fromarray(noise))
    made.append(Image.linear_gradient("L").convert("RGB"))
    return made


def least_cosine(one: Vectors, other: Vectors) -> float:
    """The smallest cosine between rows of the same place; of nothing, and of rows of another width, -1."""
    if one.shape != other.shape or not len(one):
        return -1.0
    both_zero = ~one.any(axis=1) & ~other.any(axis=1)
    return float(np.where(both_zero, 1.0, np.vecdot(one, other)).min())
