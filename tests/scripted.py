"""A student and a teacher that answer by the role in the call key, and a bench to distil with them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ted.bank.bank import Bank
from ted.bank.job_values import Job
from ted.chat import ChatRequest, ScriptedChat
from ted.jobs.distillation import DistillationRunner, Options
from ted.sample import Sample
from ted.settings import Budget
from tests.stores import Store


@dataclass(frozen=True, slots=True)
class Call:
    """A request with the parts of its key: `role` is `mend`, `mended` counts the times it was asked again."""

    request: ChatRequest
    sample: str
    role: str
    mended: int
    number: int

    @property
    def user(self) -> str:
        """What the request's first user message says."""
        return self.request.messages[1].text


def call_of(request: ChatRequest) -> Call:
    head, role, number = request.call_key.rsplit(":", 2)
    role, _, mended = role.partition(".")
    sample = head.split(":", 2)[2] if head.count(":") >= 2 else head
    return Call(request, sample, role, int(mended or 0), int(number))


Said = str | Awaitable[str]
Rule = str | Callable[[Call], Said]


def speaking(rules: dict[str, Rule], *, name: str, usd_per_token: float | None = 0.0) -> ScriptedChat:
    """A model that follows the rule of a call's role; a role without a rule is an error of the test."""

    def script(request: ChatRequest) -> Said:
        call = call_of(request)
        if call.role not in rules:
            raise AssertionError(f"{name} was asked as '{call.role}', which this test did not expect")
        rule = rules[call.role]
        return rule if isinstance(rule, str) else rule(call)

    return ScriptedChat(script, name=name, usd_per_token=usd_per_token)


def remembering(seen: list[Call], reply: str) -> Rule:
    """Always this reply; the calls are kept in `seen`."""

    def rule(call: Call) -> str:
        seen.append(call)
        return reply

    return rule


def roles(model: ScriptedChat) -> list[str]:
    """The roles a model was asked in, sorted."""
    return sorted(call_of(request).role for request in model.requests)


def attempt(answer: str, *steps: str, used: Sequence[str] = (), conclusion: str = "so") -> str:
    return json.dumps(
        {
            "premises": ["given"],
            "steps": steps,
            "conclusion": conclusion,
            "answer": answer,
            "used": list(used),
        }
    )


def critique(*operations: dict[str, Any], **verdicts: str) -> str:
    return json.dumps(
        {
            "findings": [{"trajectory": 0, "first_wrong_step": "the first", "error_type": "knowledge"}],
            "verdicts": [{"label": label, "verdict": verdict} for label, verdict in verdicts.items()],
            "operations": list(operations),
        }
    )


def add(when_to_use: str, content: str) -> dict[str, Any]:
    return {"op": "add", "when_to_use": when_to_use, "content": content}


def rewrite(label: str, when_to_use: str, content: str) -> dict[str, Any]:
    return {"op": "rewrite", "label": label, "when_to_use": when_to_use, "content": content}


def merge(labels: Sequence[str], when_to_use: str, content: str) -> dict[str, Any]:
    return {"op": "merge", "labels": list(labels), "when_to_use": when_to_use, "content": content}


def remove(label: str) -> dict[str, Any]:
    return {"op": "remove", "label": label}


def wording(when_to_use: str, content: str) -> str:
    return json.dumps({"when_to_use": when_to_use, "content": content})


@dataclass(slots=True)
class Bench:
    """A bank, and distillations of it with scripted models. `small` and `large` are those of the last run."""

    store: Store
    bank: Bank
    student: dict[str, Rule] = field(default_factory=dict)
    teacher: dict[str, Rule] = field(default_factory=dict)
    usd_per_token: float | None = 0.0
    small: ScriptedChat = field(init=False)
    large: ScriptedChat = field(init=False)

    async def distil(
        self,
        *samples: Sample,
        options: Options | None = None,
        budget: Budget | None = None,
        new_run: bool = False,
        validation: Sequence[Sample] = (),
    ) -> Job:
        """The job after its run; two trajectories a sample unless the options say otherwise."""
        self.small = speaking(self.student, name="small", usd_per_token=self.usd_per_token)
        self.large = speaking(self.teacher, name="large", usd_per_token=self.usd_per_token)
        runner = DistillationRunner(
            self.bank, jobs=self.store.jobs, material=self.store.material, calls=self.store.calls
        )
        job = runner.find_or_create(
            samples,
            options or Options(trajectories=2),
            student="small",
            teacher="large",
            budget=budget or Budget(),
            new_run=new_run,
            validation=validation,
        )
        return await runner.run(job, student=self.small, teacher=self.large)


def result(job: Job) -> dict[str, Any]:
    """The report of a job that has one."""
    assert job.result is not None, job
    return job.result


def skips(job: Job) -> list[tuple[str, str]]:
    """(sample, reason) of everything that was skipped, in the order of the report."""
    return [(s["sample_id"], s["reason"]) for s in result(job)["skipped"]]
