"""A scripted student that never knows what it is shown, and a teacher whose first text a guard refuses.

For tests/upstream (`tests.seeing_models:reply`), in the compact profile.
"""

from __future__ import annotations

import json
from typing import Any

NAME = "ZO-7"


def reply(body: dict[str, Any]) -> str:
    """What the model says, by its name and what it is asked for."""
    if "response_format" not in body:
        return "Answer: no idea"
    mends = "What is wrong with it" in json.dumps(body["messages"])
    content = f"The house name of it is {NAME}." if mends else "There is a name for it."
    return json.dumps({"when_to_use": "A red circle is shown.", "content": content})
