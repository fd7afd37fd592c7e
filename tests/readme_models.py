"""A scripted student and teacher for the README's example, for tests/upstream (`tests.readme_models:reply`)."""

from __future__ import annotations

import json
import re
from typing import Any

FACT = "WQ-238"


def reply(body: dict[str, Any]) -> str:
    """What the model says: the teacher knows the code, the student only where its prompt states it."""
    whole = json.dumps(body["messages"])
    knows = FACT in whole or not body["model"].endswith("nano")
    if "response_format" not in body:
        return FACT if knows else "no idea"
    wanted = body["response_format"]["json_schema"]["schema"]["properties"]
    if "operations" in wanted:
        wording = {"when_to_use": "A scanner does not work.", "content": f"Scanners get the code {FACT}."}
        return json.dumps({"findings": [], "verdicts": [], "operations": [{"op": "add", **wording}]})
    used = re.findall(r"\b(E\d)\. When", whole)
    chain = {"premises": ["a ticket"], "steps": ["looked it up"], "conclusion": "so"}
    return json.dumps({**chain, "answer": FACT if knows else "no idea", "used": used[:1]})
