"""A scripted student for OpenAI's clients (`tests.openai_models:reply`): what it does is said in the last message."""

from __future__ import annotations

import re
import time
from typing import Any

from tests.upstream import last_text

Body = dict[str, Any]

CALLS = [
    {
        "id": "call_1",
        "type": "function",
        "function": {"name": "queue_of", "arguments": '{"thing": "drücker"}'},
    },
    {"id": "call_2", "type": "function", "function": {"name": "queue_of", "arguments": '{"thing": "fax"}'}},
]
SAID = "It goes to queue FX-31, says the desk."
WORDS_OF_A_LONG_ANSWER = 400


def reply(body: Body) -> str | Body:
    """A status, calls of tools, a stream that is slow or breaks off, or the same sentence."""
    asked = last_text(body)
    if status := re.search(r"provider says (\d+)", asked):
        return {"status": int(status[1]), "error": "as it was told"}
    if "slow" in asked:
        time.sleep(3.0)
    if "draws differ" in asked:
        return f"Guessed.\nAnswer: {body['seed'] if body['model'] == 'student' else 'FX-31'}"
    if "call the tools" in asked:
        return {"tool_calls": CALLS}
    if "break off" in asked:
        return {"text": SAID, "breaks_after": 3}
    if "fall silent" in asked:
        return {"text": SAID, "stalls_after": 3}
    if "long answer" in asked:
        return {"text": "word " * WORDS_OF_A_LONG_ANSWER, "pause": 0.02}
    if "tell no usage" in asked:
        return {"text": SAID, "usage": None}
    if body.get("n"):
        return {"texts": [f"choice {number}" for number in range(body["n"])]}
    return SAID
