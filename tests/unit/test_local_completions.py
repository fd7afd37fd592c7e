"""LocalCompletions before any model is loaded: what it refuses, and what it says where there is no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ted.completion import CompletionRequest, Json
from ted.errors import ModelFileUnavailable, ModelRefusedRequest
from ted.local_models.catalogue import local_model
from ted.local_models.chat import LocalChat
from ted.local_models.completions import LocalCompletions

IMAGE: Json = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def model_in(folder: Path) -> LocalCompletions:
    return LocalCompletions(LocalChat(local_model("qwen2.5-coder-0.5b"), models_dir=folder))


def asking(*parts: Json) -> CompletionRequest:
    return CompletionRequest("ans:0:0:student:0", ({"role": "user", "content": list(parts)},), {}, {})


async def test_images_are_refused_before_the_model_is_loaded(tmp_path: Path) -> None:
    model = model_in(tmp_path)

    with pytest.raises(ModelRefusedRequest, match="reads text only"):
        await model.completion(asking({"type": "text", "text": "?"}, IMAGE))
    with pytest.raises(ModelRefusedRequest, match="reads text only"):
        await anext(model.completion_stream(asking(IMAGE)))


async def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    model = model_in(tmp_path)

    with pytest.raises(ModelFileUnavailable, match="ted models pull"):
        await model.completion(asking({"type": "text", "text": "?"}))
    with pytest.raises(ModelFileUnavailable, match="ted models pull"):
        await anext(model.completion_stream(asking({"type": "text", "text": "?"})))


def test_it_goes_by_the_name_of_its_chat_and_costs_nothing(tmp_path: Path) -> None:
    model = model_in(tmp_path)

    assert (model.name, model.price(1000, 1000)) == ("local/qwen2.5-coder-0.5b", 0.0)
