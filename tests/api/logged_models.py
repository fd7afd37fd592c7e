"""A provider that answers as tests/desk_models, and refuses what it does not know by saying it again."""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests import desk_models
from tests.upstream import last_text

_asked = itertools.count()


def reply(body: dict[str, Any]) -> str | dict[str, Any]:
    """An answer, or a refusal that quotes the question."""
    if "response_format" in body and "PLANTED" not in json.dumps(body):
        return desk_models.reply(body)
    if next(_asked) % 2:
        return {"status": 400, "error": f"this does not suit me: {last_text(body)}"}
    return "Answer: FX-31"
