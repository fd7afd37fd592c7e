"""A user's whole way over HTTP: a bank, samples, a distillation, an evaluation, an OpenAI client, feedback, figures."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from openai import OpenAI

FOLDER = Path(__file__).parent
URL = os.environ.get("TED_URL", "http://localhost:8321")
KEY = os.environ.get("TED_KEY", "none")  # an open server on this machine does not look at it
BANK = "tickets"
TICKET = 'Which queue code does this ticket get? Ticket: "The printer next to the lift is jammed with paper."'

Json = dict[str, Any]


def main() -> None:
    with httpx.Client(base_url=f"{URL}/v1", headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as ted:
        make_bank(ted)
        train, held_out = upload(ted, "train.jsonl"), upload(ted, "held_out.jsonl", purpose="evaluation")
        distil(ted, train)
        evaluate(ted, held_out)
        answer_id = ask_as_before()
        give_feedback(ted, answer_id)
        look_at_figures(ted)


def make_bank(ted: httpx.Client) -> None:
    bank = sent(ted, "/banks", {"name": BANK, "description": "Which queue takes which ticket."})
    print(f"made bank {bank['id']}")


def upload(ted: httpx.Client, name: str, purpose: str = "distillation") -> str:
    """The file's id. Where a line cannot be used, the error names it, and nothing is kept."""
    answer = ted.post(
        "/files",
        params={"filename": name, "purpose": purpose},
        content=(FOLDER / name).read_bytes(),
        headers={"Content-Type": "application/jsonl"},
    )
    file: Json = checked(answer)
    print(f"uploaded {name}: {file['samples']} samples")
    return str(file["id"])


def distil(ted: httpx.Client, file_id: str) -> None:
    """What it would cost, first; then the job, followed by its events, within a budget that is a hard stop."""
    path, body = f"/banks/{BANK}/distillations", {"file_id": file_id, "budget": {"calls": 500}}
    estimate = sent(ted, path, body | {"dry_run": True})
    expected, upper = estimate["expected"], estimate["upper"]
    print(f"expected {expected['calls']} calls, at most {upper['calls']}; fits: {estimate['fits_budget']}")
    job = sent(ted, path, body, headers={"Idempotency-Key": f"distil-{file_id}"})  # sent twice, it is one job
    for event in events(ted, job["id"]):
        print(f"  {event['event']} {event['data'].get('item', '')}")
    job = succeeded(ted, job["id"])
    counts, usage = job["request_counts"], job["usage"]
    print(f"distilled {counts['completed']} of {counts['total']} samples in {usage['calls']} calls")
    for experience in checked(ted.get(f"/banks/{BANK}/experiences"))["data"]:
        print(f"  when: {experience['when_to_use']} then: {experience['content']}")


def evaluate(ted: httpx.Client, file_id: str) -> None:
    """The student alone and with the bank, on questions that were not distilled from."""
    body = {"file_id": file_id, "arms": ["none", "retrieve"]}
    job = sent(ted, f"/banks/{BANK}/evaluations", body)
    for _ in events(ted, job["id"]):
        pass
    for arm in succeeded(ted, job["id"])["result"]["arms"]:
        low, high = arm["interval"]
        right = f"{arm['correct']} of {arm['questions']} right"
        print(f"{arm['arm']:>8}: {right}, 95 % interval {low:.2f} to {high:.2f}")


def ask_as_before() -> str:
    """An application that talks to OpenAI: another address, and a bank in the model's name. The answer's id."""
    client = OpenAI(base_url=f"{URL}/v1", api_key=KEY)
    student = client.models.list().data[0].id
    completion = client.chat.completions.create(
        model=f"{student}@{BANK}",
        messages=[{"role": "user", "content": TICKET}],
        extra_body={"include": ["ted"]},
    )
    told: Json = getattr(completion, "ted")  # noqa: B009 - no field of OpenAI's
    print(f"answered: {completion.choices[0].message.content}, shown {len(told['experiences'])} experiences")
    return str(told["answer_id"])


def give_feedback(ted: httpx.Client, answer_id: str) -> None:
    """It counts for the experiences that were shown for the answer."""
    kept = sent(ted, "/feedback", {"answer_id": answer_id, "correct": True})
    print(f"feedback counts for {kept['experiences']} experiences")


def look_at_figures(ted: httpx.Client) -> None:
    stats = checked(ted.get(f"/admin/banks/{BANK}/stats"))
    usage, spent = stats["usage"], stats["spending"]["total"]
    print(f"{stats['experiences']['active']} experiences at revision {stats['revision']}")
    print(f"shown {usage['shown']} times, {usage['shown_correct']:g} of them right")
    print(f"{spent['calls']} calls, {spent['prompt_tokens'] + spent['completion_tokens']} tokens")


def events(ted: httpx.Client, job_id: str) -> Iterator[Json]:
    """As they come, until the job has ended: server-sent events."""
    stream = {"Accept": "text/event-stream"}
    with ted.stream("GET", f"/jobs/{job_id}/events", headers=stream, timeout=None) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))


def succeeded(ted: httpx.Client, job_id: str) -> Json:
    job = checked(ted.get(f"/jobs/{job_id}"))
    assert job["status"] == "succeeded", job["error"] or job["reason"]
    return job


def sent(ted: httpx.Client, path: str, body: Json, headers: dict[str, str] | None = None) -> Json:
    return checked(ted.post(path, json=body, headers=headers))


def checked(response: httpx.Response) -> Json:
    """The body. Every error has one form, whose `detail` says what to do."""
    body: Json = response.json()
    if response.is_error:
        raise SystemExit(f"{body['detail']} ({body['request_id']})")
    return body


if __name__ == "__main__":
    main()
