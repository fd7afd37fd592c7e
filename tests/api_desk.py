"""A bank on a help desk as tests of the service use it, and what the provider behind it says."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any

import jsonschema
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import update

from api.service import Service
from ted.bank.tables import Base, ProjectRow
from tests import desk_models
from tests.upstream import last_text

Body = dict[str, Any]

PRINTER = {
    "when_to_use": "A printer is jammed or offline.",
    "content": "Printers go to queue FX-31.",
    "questions": ["Which queue takes the jammed printer on floor two?"],
    "tags": ["hardware", "printers"],
}
BADGE = {"when_to_use": "A badge was lost.", "content": "Lost badges go to FX-44.", "tags": ["access"]}
REFUND = {"when_to_use": "A customer wants a refund.", "content": "Refunds go to FX-58.", "tags": ["money"]}
QUESTION = "Which queue takes the jammed printer on floor nine?"
SLOW = 3.0


def provided(body: Body) -> str | Body:
    """What the provider says, by the question: a status, late, or an answer that cites E1 if it was sent one."""
    whole = "\n".join(last_text({"messages": [message]}) for message in body["messages"])
    text = last_text(body)
    if status := re.search(r"provider says (\d+)", text):
        return {"status": int(status[1]), "error": "as it was told"}
    if "provider is slow" in text:
        time.sleep(SLOW)
    named, asked = (re.findall(r"\b[Tt]icket s(\d\d)\b", part) for part in (whole, text))
    demonstrated = len(set(named)) > 1 and not asked  # of samples before a question that is of none
    if named and not demonstrated:
        if "response_format" in body:
            return desk_models.reply(body)
        number = int(named[0])  # the compact profile asks for a text
        return desk_models.code(number if body["model"] == "teacher" or number % 2 else 99)
    if "draws differ" in text and body["model"] == "student":
        return json.dumps({**_UNSURE, "answer": f"FX-{body['seed'] % 1000}"})
    chain: Body = {"premises": [], "steps": ["looked it up"], "conclusion": "It is FX-31.", "answer": "FX-31"}
    return json.dumps(chain | {"used": ["E1"] if "\nE1. " in text else []})


_UNSURE: Body = {"premises": [], "steps": ["guessed"], "conclusion": "", "used": []}


@dataclass(frozen=True, slots=True)
class Desk:
    """The service, and the path of its bank."""

    client: TestClient
    path: str = "/v1/banks/desk"

    def made(self) -> Desk:
        """With the bank made, and three experiences in it, by one revision."""
        self.client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
        sent = {"experiences": [PRINTER, BADGE, REFUND]}
        self.client.post(f"{self.path}/experiences", json=sent).raise_for_status()
        return self

    @property
    def service(self) -> Service:
        """What the app stands on."""
        app = self.client.app
        assert isinstance(app, FastAPI)
        found: Service = app.state.service
        return found

    def give_away(self, table: type[Base]) -> None:
        """Makes all rows of a table another project's."""
        with self.service.ted.database.writing() as session:
            session.merge(ProjectRow(id="proj_other", name="other"))
            session.flush()
            session.execute(update(table).values(project_id="proj_other"))

    def experiences(self, **query: Any) -> list[Body]:
        """As they are listed."""
        found: list[Body] = self.client.get(f"{self.path}/experiences", params=query).json()["data"]
        return found

    def ask(self, question: str = QUESTION, **more: Any) -> Response:
        """POST /v1/answers."""
        return self.client.post("/v1/answers", json={"bank": "desk", "question": question, **more})

    def distil(self, count: int = 4, **more: Any) -> Response:
        """A distillation of so many samples."""
        body = {"samples": desk_models.samples(count), "trajectories": 2, "batch_size": 4, **more}
        return self.client.post(f"{self.path}/distillations", json=body)

    def ended(self, job_id: str) -> Body:
        """The job once it rests or has ended."""
        for _ in range(600):
            job: Body = self.client.get(f"/v1/jobs/{job_id}").json()
            if job["status"] not in ("queued", "running"):
                return job
            time.sleep(0.05)
        raise AssertionError(f"waited in vain: {job}")


def check_problem(response: Response, status: int, code: str, *locs: list[str | int]) -> Body:
    """The response has the one body of errors, with this status and code, and names these places."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    body: Body = response.json()
    jsonschema.validate(body, _SCHEMA)
    assert (body["status"], body["code"], body["error"]["code"]) == (status, code, code)
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert body["error"]["message"] == body["detail"]
    assert [error["loc"] for error in body["errors"]] == list(locs)
    return body


_SCHEMA: Body = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id", "errors", "error"],
    "properties": {
        "type": {"pattern": "^urn:ted:problem:"},
        "title": {"type": "string", "minLength": 3},
        "detail": {"type": "string", "minLength": 3},
        "errors": {"type": "array", "items": {"type": "object", "required": ["loc", "msg"]}},
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "type": {"enum": ["invalid_request_error", "rate_limit_error", "server_error"]},
                "param": {"type": ["string", "null"]},
            },
        },
    },
}
