"""Images on the command line: sent to the student as they are, refused where they are not what they should be."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ted.cli.main import app
from tests.drawings import draw
from tests.upstream import running_upstream


def run(folder: Path, *words: str, **environment: str) -> Result:
    given = {"TED_DATA_DIR": str(folder / "data"), "TED_TEXT_EMBEDDER": "hashing", "COLUMNS": "400"}
    return CliRunner().invoke(app, list(words), env=given | environment)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory with an empty bank, and some files that are no good images."""
    assert run(tmp_path, "bank", "create", "desk").exit_code == 0
    drawing = draw("red", "circle", seed=1)
    (tmp_path / "good.png").write_bytes(drawing)
    (tmp_path / "mislabelled.jpg").write_bytes(drawing)
    (tmp_path / "cut.png").write_bytes(drawing[:80])
    (tmp_path / "large.png").write_bytes(b"\x89PNG" + bytes(10_000_001))
    return tmp_path


def test_an_image_reaches_the_student_and_the_answer_says_that_it_was_not_searched(folder: Path) -> None:
    with running_upstream("tests.seeing_models:reply") as upstream:
        asked = ("ask", "desk", "What is this?", "--image", str(folder / "good.png"))
        models = ("--student", "openai/student", "--profile", "compact")
        server = {"TED_STUDENT_API_BASE": upstream.api_base, "TED_STUDENT_API_KEY": "test"}
        shown = run(folder, *asked, *models, **server)
        told = run(folder, *asked, *models, "--json", **server)
        parts = upstream.bodies[0]["messages"][1]["content"]

    (url,) = (part["image_url"]["url"] for part in parts if part["type"] == "image_url")
    assert base64.b64decode(url.partition(",")[2]) == (folder / "good.png").read_bytes()
    assert "1 image(s) not searched: set TED_IMAGE_EMBEDDER" in shown.output
    assert json.loads(told.stdout)["images_not_searched"] == 1


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("mislabelled.jpg", "is labelled '.jpg' but is image/png: correct the label"),
        ("cut.png", "is damaged or cut short: send the whole file"),
        ("large.png", "bytes, more than 10,000,000: make it smaller"),
        ("missing.png", "is not there, or no file: check the path"),
    ],
)
def test_an_image_that_is_no_good_is_refused_in_a_question_and_in_a_sample(
    folder: Path, file: str, said: str
) -> None:
    sample = {"question": "What is this?", "answer": "ZO-7", "images": [file]}
    (folder / "train.jsonl").write_text(json.dumps(sample))

    asked = run(folder, "ask", "desk", "What is this?", "--image", str(folder / file))
    distilled = run(folder, "distill", "desk", str(folder / "train.jsonl"))

    for refused in (asked, distilled):
        assert refused.exit_code == 2
        assert said in refused.stderr
    assert "line 1, field 'images[0]'" in distilled.stderr
