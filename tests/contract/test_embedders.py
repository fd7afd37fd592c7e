"""The contracts of TextEmbedder and ImageEmbedder, kept by real models and by the embedders without one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from index.embedders.clip import ClipEmbedder
from index.embedders.hashing import HashingEmbedder
from index.embedders.onnx_clip import OnnxClipEmbedder
from index.embedders.onnx_sentence import OnnxSentenceEmbedder
from index.embedders.sentence import PACKAGED, SentenceEmbedder
from index.embedders.thumbnails import ThumbnailEmbedder
from index.errors import UnreadableImage
from index.protocols import ImageEmbedder, TextEmbedder, Vectors
from index.vectors import checked
from tests.drawings import COLOURS, SHAPES, draw

TINY_CLIP = Path(__file__).parents[1] / "assets" / "tiny-clip"
TEXTS = [
    "Which queue does a refund for a cancelled flight go to?",
    "",
    "printer",
    "The customer asks for a refund of a cancelled flight. " * 60,
    "Häufige Fragen: 你好 - ¿qué?",
    "?!",
    "The printer on the third floor is out of toner again.",
]


@pytest.fixture(scope="module", params=["sentence", "onnx", "hashing", "hashing-64"])
def texts_embedder(request: pytest.FixtureRequest, exports: Path) -> TextEmbedder:
    match request.param:
        case "onnx":
            return OnnxSentenceEmbedder(PACKAGED, exports=exports, kept=0)
        case "sentence":
            return SentenceEmbedder(PACKAGED, kept=0)
        case "hashing":
            return HashingEmbedder()
    return HashingEmbedder(64)


@pytest.fixture(scope="module", params=["clip", "onnx", "thumbnails"])
def images_embedder(request: pytest.FixtureRequest, exports: Path) -> ImageEmbedder:
    match request.param:
        case "clip":
            return ClipEmbedder(f"local-dir:{TINY_CLIP}", kept=0)
        case "onnx":
            return OnnxClipEmbedder(f"local-dir:{TINY_CLIP}", exports=exports, kept=0)
    return ThumbnailEmbedder()


def cosines(one: Vectors, other: Vectors) -> list[float]:
    return [float(a @ b) for a, b in zip(one, other, strict=True)]


def test_texts_become_unit_rows_in_order(texts_embedder: TextEmbedder) -> None:
    rows = texts_embedder.embed_texts(TEXTS)

    assert checked(rows, texts_embedder.dimension) is rows
    assert rows.shape == (len(TEXTS), texts_embedder.dimension)
    backwards = texts_embedder.embed_texts(TEXTS[::-1])[::-1]
    assert np.allclose(rows, backwards, atol=1e-5)


def test_no_texts_give_no_rows_of_the_dimension(texts_embedder: TextEmbedder) -> None:
    assert texts_embedder.embed_texts([]).shape == (0, texts_embedder.dimension)


def test_a_text_has_one_vector_whatever_else_is_in_the_call(texts_embedder: TextEmbedder) -> None:
    texts = [text for text in TEXTS if text.strip("?!")] * 8  # more than a batch

    together = texts_embedder.embed_texts(texts)

    alone = np.concatenate([texts_embedder.embed_texts([text]) for text in texts])
    assert min(cosines(together, alone)) >= 0.99999


def test_a_text_twice_in_a_call_has_the_very_same_row(texts_embedder: TextEmbedder) -> None:
    first, _, again = texts_embedder.embed_texts(
        ["a refund", "a much longer text about printers", "a refund"]
    )

    assert np.array_equal(first, again)


def test_texts_alike_are_nearer_than_others(texts_embedder: TextEmbedder) -> None:
    question, alike, other = texts_embedder.embed_texts(
        [
            "Which queue does a refund for a cancelled flight go to?",
            "To which queue goes the refund of a flight that was cancelled?",
            "The printer on the third floor is out of toner again.",
        ]
    )

    assert question @ alike > question @ other + 0.2


def test_texts_are_embedded_from_many_threads(texts_embedder: TextEmbedder) -> None:
    calls = [[text, f"{text} {i}"] for i, text in enumerate(TEXTS * 3)]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(texts_embedder.embed_texts, calls))

    assert all(
        np.allclose(rows, texts_embedder.embed_texts(call), atol=1e-5)
        for call, rows in zip(calls, found, strict=True)
    )


def test_images_become_unit_rows_in_order(images_embedder: ImageEmbedder) -> None:
    images = [draw(colour, "circle", seed=1) for colour in COLOURS] * 4  # more than a batch

    rows = images_embedder.embed_images(images)

    assert checked(rows, images_embedder.dimension) is rows
    assert rows.shape == (len(images), images_embedder.dimension)
    alone = np.concatenate([images_embedder.embed_images([image]) for image in images])
    assert min(cosines(rows, alone)) >= 0.99999


def test_captions_become_unit_rows_in_order_in_the_space_of_images(images_embedder: ImageEmbedder) -> None:
    captions = [f"a {colour} {shape}" for colour in COLOURS for shape in SHAPES] + ["long " * 200]

    rows = images_embedder.embed_captions(captions)

    assert checked(rows, images_embedder.dimension) is rows
    assert rows.shape == (len(captions), images_embedder.dimension)
    alone = np.concatenate([images_embedder.embed_captions([caption]) for caption in captions])
    assert min(cosines(rows, alone)) >= 0.99999


def test_no_images_and_no_captions_give_no_rows(images_embedder: ImageEmbedder) -> None:
    assert images_embedder.embed_images([]).shape == (0, images_embedder.dimension)
    assert images_embedder.embed_captions([]).shape == (0, images_embedder.dimension)


def test_images_alike_are_nearer_than_others(images_embedder: ImageEmbedder) -> None:
    one, alike, other = images_embedder.embed_images(
        [draw("red", "circle", seed=1), draw("red", "circle", seed=2), draw("blue", "square", seed=3)]
    )

    assert one @ alike > one @ other


def test_an_unreadable_image_is_named_by_its_position(images_embedder: ImageEmbedder) -> None:
    whole = draw("red", "circle", seed=1)

    for broken in (b"", b"not an image", whole[: len(whole) // 2]):
        with pytest.raises(UnreadableImage, match="image 1 of the call"):
            images_embedder.embed_images([whole, broken])


def test_images_are_embedded_from_many_threads(images_embedder: ImageEmbedder) -> None:
    images = [draw(colour, shape, seed=1) for colour in COLOURS for shape in SHAPES]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda image: images_embedder.embed_images([image]), images))

    assert np.allclose(np.concatenate(found), images_embedder.embed_images(images), atol=1e-5)
