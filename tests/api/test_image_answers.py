"""POST /v1/answers with images, by the real embedders: what was shown is what was found."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from ted.sample import Image, Question
from ted.settings import read_settings
from tests.shape_bank import THINGS, found_first, named, picture
from tests.upstream import Upstream, running_upstream

TINY_CLIP = Path(__file__).parents[1] / "assets" / "tiny-clip"
HALF = THINGS[::2]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream("echo") as running:
        yield running


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[TestClient]:
    settings = read_settings(
        data_dir=tmp_path,
        open=True,
        image_embedder=f"local-dir:{TINY_CLIP}",
        answer_profile="compact",
        student="openai/student",
        student_api_base=upstream.api_base,
        student_api_key="test",
    )
    with TestClient(create_app(settings)) as running:
        yield running


def data_url(image: Image) -> str:
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"


def made(client: TestClient) -> None:
    """A bank of the 24 things, made over HTTP: every second one has a drawing, the others a text only."""
    assert client.post("/v1/banks", json={"name": "shapes"}).status_code == 201
    items = []
    for number, (colour, shape) in enumerate(THINGS):
        item: dict[str, Any] = {
            "when_to_use": f"A {colour} {shape} is shown.",
            "content": f"Its house name is {named((colour, shape))}.",
        }
        if (colour, shape) in HALF:
            item["images"] = [data_url(picture((colour, shape), seed=number))]
        items.append(item)
    added = client.post("/v1/banks/shapes/experiences", json={"experiences": items})
    assert added.status_code in (200, 201), added.text


async def test_a_fresh_drawing_is_answered_with_its_experience(
    client: TestClient, upstream: Upstream
) -> None:
    made(client)

    async def find(question: Question) -> str | None:
        images = [data_url(image) for image in question.images]
        body = {"bank": "shapes", "question": question.text, "images": images}
        answered = client.post("/v1/answers", json=body).json()
        found = client.post(
            "/v1/banks/shapes/retrieve", json={"question": question.text, "images": images}
        ).json()
        shown = [e["id"] for e in answered["experiences"] if e["shown"]]
        assert shown == [hit["id"] for hit in found["hits"]]
        assert all(e["content"] in str(upstream.bodies[-1]) for e in answered["experiences"])
        kept = client.get(f"/v1/answers/{answered['id']}").json()
        assert [e["id"] for e in kept["experiences"]] == shown
        return answered["experiences"][0]["content"] if shown else None

    rates = await found_first(find, drawn=HALF)

    assert min(rates.drawn, rates.undrawn) >= 0.8


def test_images_that_play_no_part_are_told(tmp_path: Path, upstream: Upstream) -> None:
    settings = read_settings(
        data_dir=tmp_path,
        open=True,
        text_embedder="hashing",
        answer_profile="compact",
        student="openai/student",
        student_api_base=upstream.api_base,
        student_api_key="test",
    )
    image = data_url(picture(THINGS[0], seed=1))
    with TestClient(create_app(settings)) as client:
        client.post("/v1/banks", json={"name": "blind"})
        asked = {"question": "What is this?", "images": [image]}

        answered = client.post("/v1/answers", json={"bank": "blind", **asked}).json()
        found = client.post("/v1/banks/blind/retrieve", json=asked).json()

        assert answered["images_not_searched"] == found["images_not_searched"] == 1
        assert client.get(f"/v1/answers/{answered['id']}").json()["images_not_searched"] == 1
