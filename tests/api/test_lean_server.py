"""A real `ted serve` imports what it needs: to retrieve, neither torch nor litellm; refused, no runtime of models."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Server
from tests.upstream import Upstream

TINY_CLIP = Path(__file__).parents[1] / "assets" / "tiny-clip"


@pytest.fixture
def server(tmp_path: Path, models_dir: Path, provider: Upstream) -> Iterator[Server]:
    """With the default text embedder, and an image embedder."""
    more = {
        "TED_TEXT_EMBEDDER": "sentence-transformers/all-MiniLM-L6-v2",
        "TED_IMAGE_EMBEDDER": f"local-dir:{TINY_CLIP}",
        "TED_MODELS_DIR": str(models_dir),
    }
    server = Server(tmp_path / "data", provider, more=more, module="tests.telling_server")
    yield server
    server.kill()


def imported(printed: str) -> set[str]:
    told = re.search(r"^imported: (.*)$", printed, re.MULTILINE)
    assert told, printed
    return set(told[1].split())


def test_experiences_are_kept_and_retrieved_without_torch_and_litellm(server: Server) -> None:
    client = server.start()
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    kept = {"when_to_use": "A refund for a cancelled flight is asked for", "content": "Use queue RF-7."}
    client.post("/v1/banks/desk/experiences", json=kept).raise_for_status()

    question = {"question": "Which queue does the refund of a cancelled flight go to?", "min_similarity": 0.1}
    found = client.post("/v1/banks/desk/retrieve", json=question).raise_for_status().json()

    assert [hit["content"] for hit in found["hits"]] == ["Use queue RF-7."]
    assert imported(server.stop(signal.SIGTERM)) == {"onnxruntime", "tokenizers"}


def test_a_server_that_the_first_one_refuses_loads_no_model(server: Server) -> None:
    server.start()

    second = server.command("--port", "0")
    printed, _ = second.communicate(timeout=90)

    assert second.returncode != 0
    assert imported(printed) == set()
