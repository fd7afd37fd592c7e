"""From completions to our types: each function returns one, or raises UnparsableOutput saying what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar, assert_never

from pydantic import ValidationError

from ted.errors import UnparsableOutput
from ted.experience import Retrieval
from ted.operations import Add, Merge, Operation, Remove, Rewrite
from ted.prompts.outputs import (
    AddOutput,
    AttemptOutput,
    ChainOutput,
    CritiqueOutput,
    MergeOutput,
    Output,
    RemoveOutput,
    RewriteOutput,
)
from ted.prompts.student import Form
from ted.trajectory import Attempt, Chain, Critique, Finding, Verdict

OutputT = TypeVar("OutputT", bound=Output)

MOST_OPERATIONS = 2
"""Operations of one critique that are used; the teacher is told so."""

_ANSWER = re.compile(
    r"^[^\w\n]*(?:final[ ]+)?answer[^\w\n:]*:(?:\*\*)?\s*(\S.*)$", re.IGNORECASE | re.MULTILINE
)


def _after_thinking(text: str) -> str:
    """What a reasoning model says after its `<think>` block; nothing where it was cut off inside of it."""
    said = text.rpartition("</think>")[2]
    return "" if said.lstrip().startswith("<think>") else said


def parsed_json(text: str, shape: type[OutputT]) -> OutputT:
    """The JSON object in a text (fences and prose around it aside), checked against the shape."""
    said = _after_thinking(text)
    start, end = said.find("{"), said.rfind("}")
    if start < 0 or end < start:
        raise UnparsableOutput("there is no JSON object in the reply", text=text)
    try:
        value: Any = json.loads(said[start : end + 1], strict=False)
    except (ValueError, RecursionError) as error:
        raise UnparsableOutput(f"the JSON is broken: {error}", text=text) from None
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'reply'}: {e['msg']}" for e in error.errors()[:3]
        )
        raise UnparsableOutput(problems, text=text) from None


def parsed_attempt(text: str, form: Form) -> Attempt:
    """The chain, final answer and labels used that a student or teacher wrote in this form."""
    match form:
        case "chain":
            output = parsed_json(text, AttemptOutput)
            chain = Chain(tuple(output.premises), tuple(output.steps), output.conclusion)
            return Attempt(chain, output.answer, tuple(output.used))
        case "short":
            said = _after_thinking(text)
            if named := _ANSWER.findall(said):
                return Attempt(Chain(), _without_half_bold(named[-1].strip()))
            lines = [line.strip() for line in said.splitlines() if line.strip()]
            if not lines:
                raise UnparsableOutput("the reply is empty", text=text)
            return Attempt(Chain(), lines[0])
        case _:
            assert_never(form)


def stated_answer(text: str) -> str:
    """By what a text of any form is compared: the answer that it names as such, the last of several, or all it says."""
    said = _after_thinking(text)
    named = _ANSWER.findall(said)
    return _without_half_bold(named[-1].strip()) if named else said.strip()


def _without_half_bold(answer: str) -> str:
    """`**Answer: B**` leaves the closing half behind."""
    return answer.removesuffix("**").rstrip() or answer if answer.count("**") % 2 else answer


def parsed_chain(text: str) -> Chain:
    """A compressed trace."""
    output = parsed_json(text, ChainOutput)
    return Chain(tuple(output.premises), tuple(output.steps), output.conclusion)


def parsed_critique(text: str, retrieval: Retrieval) -> Critique:
    """The critique, its labels turned into the ids that the prompt showed under them."""
    output = parsed_json(text, CritiqueOutput)
    ids = {r.label: r.experience.id for r in retrieval.shown}
    if len(output.operations) > MOST_OPERATIONS:
        raise UnparsableOutput(
            f"operations: {len(output.operations)} given, at most {MOST_OPERATIONS} allowed", text=text
        )
    verdicts: dict[str, Verdict] = {ids[_known(v.label, ids, text)]: v.verdict for v in output.verdicts}
    findings = (Finding(f.trajectory, f.first_wrong_step, f.error_type) for f in output.findings)
    operations = (_operation(o, ids, text) for o in output.operations)
    return Critique(tuple(findings), verdicts, tuple(operations))


def _operation(
    output: AddOutput | RewriteOutput | MergeOutput | RemoveOutput, ids: Mapping[str, str], text: str
) -> Operation:
    match output:
        case AddOutput():
            return Add(output.when_to_use, output.content)
        case RewriteOutput():
            return Rewrite(ids[_known(output.label, ids, text)], output.when_to_use, output.content)
        case MergeOutput():
            labels = dict.fromkeys(_known(label, ids, text) for label in output.labels)
            if len(labels) < 2:
                raise UnparsableOutput("operations: a merge needs two different labels", text=text)
            return Merge(tuple(ids[label] for label in labels), output.when_to_use, output.content)
        case RemoveOutput():
            return Remove(ids[_known(output.label, ids, text)])
        case _:
            assert_never(output)


def _known(label: str, ids: Mapping[str, str], text: str) -> str:
    if label not in ids:
        there = f"there are {', '.join(ids)}" if ids else "no experience was shown"
        raise UnparsableOutput(f"label {label!r} names no experience: {there}", text=text)
    return label
