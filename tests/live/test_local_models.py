"""The two local models, really run: they answer, keep to a schema, share a server, and leave memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from platformdirs import user_cache_dir

from ted.chat import ChatRequest, Message
from ted.errors import ModelRefused
from ted.local_models.catalogue import CATALOGUE, QWEN_CODER_SMALL, LocalModel
from ted.local_models.chat import LocalChat
from ted.local_models.pull import pull
from ted.local_models.server import LocalServer, ServerOptions

pytestmark = pytest.mark.live

MODELS_DIR = Path(user_cache_dir("ted")) / "models"
SCHEMA = {
    "type": "object",
    "properties": {"capital": {"type": "string"}, "inhabitants": {"type": "integer"}},
    "required": ["capital", "inhabitants"],
    "additionalProperties": False,
}


@asynccontextmanager
async def running(model: LocalModel, options: ServerOptions) -> AsyncIterator[LocalChat]:
    pull(model, models_dir=MODELS_DIR)
    chat = LocalChat(model, models_dir=MODELS_DIR, options=options)
    try:
        yield chat
    finally:
        await chat.aclose()


def asking(text: str, *, schema: dict[str, object] | None = None, temperature: float = 0.0) -> ChatRequest:
    messages = (Message("system", ("You answer briefly.",)), Message("user", (text,)))
    return ChatRequest(f"j:{text}", messages, max_tokens=40, temperature=temperature, schema=schema)


async def test_both_models_answer_in_one_process_and_keep_to_a_schema() -> None:
    async with AsyncExitStack() as stack:
        for model in CATALOGUE.values():
            chat = await stack.enter_async_context(running(model, ServerOptions(parallel=2, context=1024)))

            reply = await chat.complete(asking("What is the capital of France?"))
            shaped = await chat.complete(asking("What is the capital of France?", schema=SCHEMA))

            assert "Paris" in reply.text
            assert reply.model == chat.name == f"local/{model.name}"
            assert reply.usage.prompt_tokens > 10
            assert reply.usage.cost_usd == 0.0
            answer = json.loads(shaped.text)
            assert answer["capital"] == "Paris"
            assert isinstance(answer["inhabitants"], int)


async def test_a_reproducible_model_answers_alike_whatever_the_order() -> None:
    requests = [asking(f"Tell me about the number {n}.", temperature=0.7 * (n % 2)) for n in range(4)]
    async with running(QWEN_CODER_SMALL, ServerOptions(context=1024, reproducible=True)) as chat:
        one_by_one = [(await chat.complete(request)).text for request in requests]

        at_once = await asyncio.gather(*(chat.complete(request) for request in reversed(requests)))

        assert [reply.text for reply in reversed(at_once)] == one_by_one


async def test_a_prompt_that_does_not_fit_is_refused() -> None:
    async with running(QWEN_CODER_SMALL, ServerOptions(parallel=1, context=512)) as chat:
        with pytest.raises(ModelRefused, match="exceeds the available context size"):
            await chat.complete(asking("too long " * 600))


async def test_chats_of_one_model_share_it_until_the_last_leaves() -> None:
    options = ServerOptions(parallel=1, context=512)
    async with running(QWEN_CODER_SMALL, options) as second:
        async with running(QWEN_CODER_SMALL, options) as first:
            before = resident_bytes()
            await first.complete(asking("Hi"))
            loaded = resident_bytes()
            await second.complete(asking("Hi"))

            assert resident_bytes() - loaded < (loaded - before) / 2

        assert (await second.complete(asking("Hi"))).text


def test_a_server_answers_to_its_own_key_alone_and_leaves_memory_when_stopped() -> None:
    path = pull(QWEN_CODER_SMALL, models_dir=MODELS_DIR)
    server = LocalServer(path, name="small", options=ServerOptions(parallel=1, context=512))
    before = resident_bytes()
    api_base = server.start()
    loaded = resident_bytes()

    assert server.start() == api_base
    assert api_base.startswith("http://127.0.0.1:")
    assert (status_of(api_base, key="wrong"), status_of(api_base, key=server.api_key)) == (401, 200)

    server.stop()
    assert resident_bytes() - before < (loaded - before) / 2


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096


def status_of(api_base: str, *, key: str) -> int:
    """What a tiny chat with that key is answered with."""
    import httpx

    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{api_base}/chat/completions", json=body, headers=headers, timeout=60).status_code
