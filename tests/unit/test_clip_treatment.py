"""What CLIP's towers are fed: pixels and tokens, the very same as by open_clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.tokenizer import SimpleTokenizer, default_bpe
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from index.embedders import sameness
from index.embedders.clip_pixels import Transform
from index.embedders.clip_words import ClipWords

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
THEIR_WORDS = SimpleTokenizer(context_length=16)
OUR_WORDS = ClipWords(Path(default_bpe()), length=16)


def _facts(**changed: Any) -> dict[str, Any]:
    facts = {"size": 48, "mean": MEAN, "std": STD, "resize_mode": "shortest", "interpolation": "bicubic"}
    return facts | changed


def _same_pixels(facts: dict[str, Any], picture: Image.Image) -> bool:
    theirs = image_transform_v2(PreprocessCfg(**facts), is_train=False)(picture).numpy()
    ours = Transform.of(facts).pixels(picture)
    return ours.shape == theirs.shape and np.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"size": (224, 224), "interpolation": "bilinear"},
        {"resize_mode": "squash", "size": (48, 32)},
        {"interpolation": "random", "mean": 0.5, "std": 0.25},
    ],
)
def test_pixels_are_those_of_open_clip(changed: dict[str, Any]) -> None:
    facts = _facts(**changed)

    assert all(_same_pixels(facts, picture) for picture in sameness.pictures())


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 9))
@settings(max_examples=60)
def test_pixels_of_any_shape_are_those_of_open_clip(width: int, height: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)

    assert _same_pixels(_facts(), Image.fromarray(noise))


@pytest.mark.parametrize("changed", [{"resize_mode": "longest"}, {"size": (48, 32)}])
def test_a_way_of_resizing_that_is_not_known_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="in a way not known here"):
        Transform.of(_facts(**changed))


def test_tokens_are_those_of_open_clip() -> None:
    texts = [
        *sameness.TEXTS,
        "it's we're I'll",
        "<start_of_text> red<end_of_text>",
        "<<<end_of_text>",
        "ﬁ ½ Ⅷ \uff46\uff55",
    ]

    assert np.array_equal(OUR_WORDS.rows(texts), THEIR_WORDS(texts).numpy())
    assert np.array_equal(
        OUR_WORDS.rows(["red"] * 2), open_clip.tokenize(["red"] * 2, context_length=16).numpy()
    )


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_tokens_of_any_text_are_those_of_open_clip(text: str) -> None:
    assert np.array_equal(OUR_WORDS.rows([text]), THEIR_WORDS([text]).numpy())
