"""A store with something of everything in it, and its ids put into generated requests, which would never guess them."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemathesis import Case

from tests.api_desk import QUESTION, Desk
from tests.desk_models import samples
from tests.drawings import draw

PICTURE = "data:image/png;base64," + base64.b64encode(draw("red", "circle", seed=1)).decode()
GUESSED = 3
"""Of so many names in a request, one stays as it was generated."""


@dataclass(frozen=True, slots=True)
class World:
    """Where the store is, and for each name of a parameter or field what exists."""

    folder: Path
    known: Mapping[str, str]
    exported: bytes

    def put_into(self, case: Case) -> None:
        """Names in the case that are texts become names of what is there, for a share of them."""
        if case.path_parameters:
            case.path_parameters = self._known(case.path_parameters)
        if case.query:
            case.query = self._known(case.query)
        if isinstance(case.body, dict):
            case.body = _seen(self._known(case.body))

    def _known(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.known[name] if name in self.known and _is_replaced(value) else value
            for name, value in given.items()
        }


def made_world(desk: Desk, folder: Path) -> World:
    """After each kind of request was made once, and a job of each kind has ended."""
    client = desk.client
    answer = desk.ask().json()
    feedback = {"answer_id": answer["id"], "correct": True, "reference": "FX-31"}
    client.post("/v1/feedback", json=feedback).raise_for_status()
    lines = "".join(json.dumps(sample) + "\n" for sample in samples(4))
    file = client.post(
        "/v1/files?filename=a.jsonl", content=lines, headers={"Content-Type": "application/jsonl"}
    ).json()
    exported = client.get(f"{desk.path}/export").content
    job = desk.ended(desk.distil(4).json()["id"])
    assert job["status"] == "succeeded"
    evaluation = client.post(
        f"{desk.path}/evaluations", json={"file_id": file["id"], "arms": ["none"], "allow_overlap": True}
    ).json()
    desk.ended(evaluation["id"])
    model = {"model": "openai/student@desk", "messages": [{"role": "user", "content": QUESTION}]}
    client.post("/v1/chat/completions", json=model).raise_for_status()
    experience = desk.experiences()[0]
    known = {
        "bank": "desk",
        "experience_id": experience["id"],
        "answer_id": answer["id"],
        "file_id": file["id"],
        "job_id": job["id"],
        "model": "openai/student@desk",
        "student": "openai/student",
        "teacher": "openai/teacher",
    }
    return World(folder, known, exported)


def _seen(body: dict[str, Any]) -> dict[str, Any]:
    """With a picture wherever an image is a text, since no text that was made at random is one."""
    images = body.get("images")
    if not isinstance(images, list):
        return body
    return body | {"images": [PICTURE if isinstance(image, str) else image for image in images]}


def _is_replaced(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and zlib.crc32(value.encode()) % GUESSED > 0
