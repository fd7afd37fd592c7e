"""A local model, really run, as OpenAI's clients ask it: whole and streamed alike, with the usage it counted."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest
from platformdirs import user_cache_dir

from ted.completion import CompletionRequest, Heard, Json
from ted.local_models.catalogue import QWEN_CODER_SMALL
from ted.local_models.chat import LocalChat
from ted.local_models.completions import LocalCompletions
from ted.local_models.pull import pull
from ted.local_models.server import ServerOptions

pytestmark = pytest.mark.live

MODELS_DIR = Path(user_cache_dir("ted")) / "models"
MESSAGES: tuple[Json, ...] = (
    {"role": "system", "content": "You answer with one short sentence."},
    {"role": "user", "content": "When: a printer is jammed. Then: printers go to queue FX-31."},
    {"role": "user", "content": "Which queue takes the jammed printer?"},
)


async def test_a_conversation_is_completed_and_streamed_alike() -> None:
    pull(QWEN_CODER_SMALL, models_dir=MODELS_DIR)
    options: Json = {"max_tokens": 30, "temperature": 0}
    with_usage = {**options, "stream_options": {"include_usage": True}}
    chat = LocalChat(
        QWEN_CODER_SMALL, models_dir=MODELS_DIR, options=ServerOptions(context=1024, reproducible=True)
    )
    model = LocalCompletions(chat)
    streamed = Heard()
    try:
        whole = Heard.whole(await model.completion(CompletionRequest("a:1", MESSAGES, options, {})))
        stream = model.completion_stream(CompletionRequest("a:2", MESSAGES, with_usage, {}))
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                streamed.take(chunk)
    finally:
        await chat.aclose()

    assert "FX-31" in whole.text
    assert streamed.text == whole.text
    assert streamed.usage is not None
    assert whole.usage is not None
    assert streamed.usage["prompt_tokens"] == whole.usage["prompt_tokens"] > 30
