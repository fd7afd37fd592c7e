"""What LocalChat does before any model is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from ted.chat import ChatRequest, Message
from ted.errors import ModelFileUnavailable, ModelRefused
from ted.local_models.catalogue import QWEN_CODER_SMALL
from ted.local_models.chat import LocalChat
from ted.local_models.server import LocalServer, ServerOptions
from ted.sample import Image


async def test_a_model_without_its_file_says_how_to_have_it(tmp_path: Path) -> None:
    chat = LocalChat(QWEN_CODER_SMALL, models_dir=tmp_path)

    with pytest.raises(ModelFileUnavailable, match=r"run `ted models pull qwen2\.5-coder-0\.5b` \(491 MB\)"):
        await chat.complete(ChatRequest("j:1", (Message("user", ("Hi",)),), max_tokens=1))


async def test_images_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    chat = LocalChat(QWEN_CODER_SMALL, models_dir=tmp_path)
    message = Message("user", ("What is this?", Image("0" * 64, "image/png", b"")))

    with pytest.raises(ModelRefused, match=r"'local/qwen2\.5-coder-0\.5b' reads text only"):
        await chat.complete(ChatRequest("j:1", (message,), max_tokens=1))


def test_local_tokens_cost_nothing(tmp_path: Path) -> None:
    assert LocalChat(QWEN_CODER_SMALL, models_dir=tmp_path).price(10**6, 10**6) == 0.0


def test_a_file_that_is_no_model_cannot_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "no.gguf"
    path.write_bytes(b"GGUF" + bytes(1000))

    with pytest.raises(ModelFileUnavailable, match=r"could not be loaded as 'no' .*pull it again"):
        LocalServer(path, name="no", options=ServerOptions(threads=1)).start()
