"""Where advice goes, and that images have their say in what it is."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import settings_at
from tests.api.test_answers import png_url
from tests.api_desk import QUESTION
from tests.blanks import Blank
from tests.drawings import Shape, draw
from tests.openai_face import ADVICE, MODEL, face_with, serving
from tests.upstream import Upstream

CLIP = Path(__file__).parents[2] / "assets" / "tiny-clip"


SHAPES: tuple[tuple[str, str, Shape], ...] = (("ZO-7", "red", "circle"), ("ZO-8", "blue", "square"))


def drawn(colour: str, shape: Shape, seed: int) -> str:
    """A drawing as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(draw(colour, shape, seed=seed)).decode()}"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (QUESTION, f"{ADVICE}\n\n{QUESTION}"),
        (
            [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": png_url()}}],
            [
                {"type": "text", "text": ADVICE},
                {"type": "text", "text": QUESTION},
                {"type": "image_url", "image_url": {"url": png_url()}},
            ],
        ),
    ],
)
def test_for_models_that_insist_on_alternating_roles_advice_is_a_part_of_the_turn(
    tmp_path: Path, blank: Blank, provider: Upstream, content: Any, shown: Any
) -> None:
    earlier = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello."}]
    turn = {"role": "user", "content": content, "name": "ann"}
    with face_with(tmp_path, blank, provider, advice_place="part") as face:
        face.ask("", messages=[*earlier, turn])

    assert provider.bodies[-1]["messages"] == [*earlier, {**turn, "content": shown}]


def test_of_two_experiences_found_by_the_same_words_the_image_tells_which(
    tmp_path: Path, blank: Blank, provider: Upstream
) -> None:
    settings = settings_at(tmp_path, blank, provider)
    with serving(settings.model_copy(update={"image_embedder": f"local-dir:{CLIP}"}), provider) as face:
        with face.http() as client:
            client.post("/v1/banks", json={"name": "desk", "retrieval": {"k": 1}}).raise_for_status()
            for name, colour, shape in SHAPES:
                experience = {
                    "when_to_use": "A shape is shown and its house name is asked for.",
                    "content": f"Its house name is {name}.",
                    "images": [drawn(colour, shape, 1)],
                }
                client.post("/v1/banks/desk/experiences", json=experience).raise_for_status()
        said = {}
        for _, colour, shape in SHAPES:
            image = {"type": "image_url", "image_url": {"url": drawn(colour, shape, 2)}}
            text = {"type": "text", "text": "What is the house name of the shape that is shown?"}
            face.ask("", messages=[{"role": "user", "content": [text, image]}], model=MODEL)
            said[shape] = provider.bodies[-1]["messages"][0]["content"]

    assert "ZO-7" in said["circle"]
    assert "ZO-8" in said["square"]
    assert "ZO-8" not in said["circle"]
