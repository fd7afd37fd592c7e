"""A scripted student and teacher for a help desk whose queues nobody can know, as a pure function of a request's body.

For tests/upstream (`tests.desk_models:reply`). Every reply names its sample, and the samples differ in what befalls
them: right at once, replies that do not parse, solutions that are wrong, texts that guards refuse, each operation.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

Body = dict[str, Any]

_THINGS = ("printer", "badge", "refund", "laptop", "invoice", "parcel", "password", "meeting room")
_PLACES = ("harbour", "archive", "garage", "canteen", "laboratory", "reception", "warehouse", "rooftop")


def samples(count: int) -> list[dict[str, str]]:
    """As many samples, as they stand in a file."""
    return [
        {"id": name(n), "question": f"Ticket {name(n)} tells of {topic(n)}: which queue?", "answer": code(n)}
        for n in range(count)
    ]


def write_samples(path: Path, count: int) -> Path:
    """The samples as a JSONL file."""
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples(count)))
    return path


def name(number: int) -> str:
    """A sample's id."""
    return f"s{number:02d}"


def code(number: int) -> str:
    """The queue that takes the ticket of this sample."""
    return f"QX-{417 + 7 * number}"


def topic(number: int) -> str:
    """What its ticket is about."""
    return f"a {_THINGS[number % 8]} at the {_PLACES[(number // 8 + 3 * number) % 8]}"


def sample_of(text: str) -> str:
    """The sample that a prompt or reply of these models belongs to; experiences in a prompt do not count."""
    named = set(re.findall(r"\b[Tt]icket (s\d\d)\b", text))
    assert len(named) == 1, f"not of one sample: {sorted(named)}"
    return str(named.pop())


def reply(body: Body) -> str:
    """What the model says; the same body gives the same reply."""
    whole = "\n".join(_text(message) for message in body["messages"])
    number, again = int(sample_of(whole)[1:]), body["messages"][-2]["role"] == "assistant"
    wanted = body["response_format"]["json_schema"]["schema"]["properties"]
    if "operations" in wanted:
        return _critique(number, whole, again)
    if "when_to_use" in wanted:
        return _wording(number, mended=True)
    if body["model"] == "student":
        return _attempt(number, whole, body["seed"], again)
    explains = "Correct answer:" in whole
    knows = explains or (number % 8 != 3 and (number % 4 != 2 or body["temperature"] > 0))
    return _chain(number, code(number) if knows else "QX-1", "explained" if explains else "solved")


def _attempt(number: int, whole: str, seed: int, again: bool) -> str:
    if number % 8 == 1 and not again and seed % 2:
        return f"Ticket {name(number)}: I do not speak JSON"
    told = code(number) in whole and number % 8 != 5
    return _chain(number, code(number) if number % 8 == 0 or told else f"QX-{seed % 100}", f"draw {seed}")


def _chain(number: int, answer: str, step: str) -> str:
    chain = {"premises": [f"ticket {name(number)}"], "steps": [step], "conclusion": f"It goes to {answer}."}
    return json.dumps({**chain, "answer": answer, "used": []})


def _critique(number: int, whole: str, again: bool) -> str:
    if number % 8 == 5 and not again:
        return f"On ticket {name(number)} I have much to say."
    finding = {"trajectory": 0, "first_wrong_step": f"ticket {name(number)}", "error_type": "knowledge"}
    labels = re.findall(r"^(E\d)\. When:", whole, re.MULTILINE)
    verdicts = [{"label": label, "verdict": "neutral"} for label in labels]
    operations = _operations(number, labels)
    return json.dumps({"findings": [finding], "verdicts": verdicts, "operations": operations})


def _operations(number: int, labels: list[str]) -> list[Body]:
    add = {"op": "add", **json.loads(_wording(number, mended=number % 8 != 4))}
    match number % 8:
        case 6 if number % 16 > 8:
            return []
        case 7 if len(labels) > 1:
            return [{**add, "op": "merge", "labels": labels[:2]}]
        case 2 if number % 16 > 8 and labels:
            return [add, {**add, "op": "rewrite", "label": labels[0]}]
        case 3 if number % 16 > 8 and labels:
            return [add, {"op": "remove", "label": labels[-1]}]
        case _:
            return [add]


def _wording(number: int, *, mended: bool) -> str:
    fact = f"the queue is {code(number)}" if mended else "there is a queue for it"
    wording = {"when_to_use": f"Somebody has {topic(number)}.", "content": f"By {name(number)}, {fact}."}
    return json.dumps(wording)


def _text(message: Body) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)
