"""The logs of a busy `ted serve`: what happened, by request; and no key, no prompt, no image in them."""

from __future__ import annotations

import base64
import json
import re
import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.desk_models import samples
from tests.drawings import draw
from tests.serving import Server, until
from tests.upstream import running_upstream

KEY = "planted-0key-4711"
PROMPT = "PLANTEDprompt"
WORDING = "PLANTEDwording"
PICTURE = base64.b64encode(draw("red", "circle", seed=7)).decode()
SECRETS = (KEY, PROMPT, WORDING, PICTURE[40:100], "is jammed", "Ticket s0")
"""The last are of samples, which are prompts, too."""


def busy(client: httpx.Client, store: Path) -> None:
    """Answers, refusals, failures of the provider, a defect, and a job, at the same time."""
    client.post("/v1/banks", json={"name": "desk"}).raise_for_status()
    made = {"when_to_use": WORDING, "content": WORDING, "questions": [PROMPT]}
    client.post("/v1/banks/desk/experiences", json=made).raise_for_status()
    image = f"data:image/png;base64,{PICTURE}"
    ask = {"bank": "desk", "question": f"{PROMPT} Ticket s01", "images": [image]}
    wrong = {"bank": "nobody", "question": PROMPT, "images": [image[:-20]], PROMPT: KEY}
    job = {"samples": samples(2), "trajectories": 1}
    as_json = {"Content-Type": "application/json"}
    headers = {"Authorization": f"Bearer {KEY}", "X-API-Key": KEY}
    calls: list[Callable[[], httpx.Response]] = [
        *[lambda: client.post("/v1/answers", json=ask, headers=headers)] * 6,
        *[lambda: client.post("/v1/answers", json=wrong, headers=headers)] * 2,
        lambda: client.post("/v1/answers", content=f'{{"bank": "{PROMPT}', headers=as_json),
        lambda: client.post("/v1/banks/desk/retrieve", json={"question": PROMPT}),
        lambda: client.get("/v1/banks", params={"after": KEY}, headers={"X-Request-ID": "mine"}),
        lambda: client.post("/v1/banks/desk/distillations", json=job),
    ]
    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(future.result().status_code for future in [pool.submit(call) for call in calls])
    assert {200, 202, 400, 422, 502} <= set(statuses), statuses
    until(lambda: client.get("/v1/jobs").json()["data"][0]["status"] not in ("queued", "running"))
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("alter table answers rename to lost")
    said = {"answer_id": PROMPT, "correct": True, "reference": PROMPT, "comment": WORDING}
    assert httpx.post(f"{client.base_url}/v1/feedback", json=said).status_code == 500


@pytest.mark.parametrize("form", ["json", "plain"])
def test_a_busy_server_logs_what_happened_and_no_secret(tmp_path: Path, form: str) -> None:
    more = {"TED_LOG_FORMAT": form, "TED_STUDENT_API_KEY": KEY, "TED_TEACHER_API_KEY": KEY}
    with running_upstream("tests.api.logged_models:reply", failures=[401, 401, "drop"]) as provider:
        server = Server(tmp_path, provider, more=more)
        busy(server.start(), tmp_path / "ted.sqlite")
        printed = server.stop(signal.SIGTERM)

    assert [secret for secret in SECRETS if secret in printed] == []
    if form == "json":
        lines = [json.loads(line) for line in printed.splitlines()]
        of_mine = [line for line in lines if line.get("request_id") == "mine"]
        assert [(line["method"], line["path"], line["status"]) for line in of_mine] == [
            ("GET", "/v1/banks", 200)
        ]
        (defect,) = [line for line in lines if line.get("exception")]
        assert defect["request_id"] in {line["request_id"] for line in lines if line.get("status") == 500}
        assert any("no such table: answers" in told for told in defect["exception"])
        refused = [line for line in lines if "ModelRefused" in line["message"]]
        asked = {line["request_id"] for line in lines if line.get("status") == 502}
        assert {line["request_id"] for line in refused} == asked != set()
    else:
        assert re.search(r"^\d\d:\d\d:\d\d INFO GET /v1/banks 200 \d+ ms mine$", printed, re.MULTILINE)
        assert re.search(r"WARNING POST /v1/answers: ModelRefused req_\w+$", printed, re.MULTILINE)
