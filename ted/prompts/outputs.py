"""The shapes asked of models, as pydantic classes: the JSON schema sent, and the check of what comes back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ted.trajectory import ErrorType, Verdict

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Output(BaseModel):
    """A shape asked of a model: no field but these."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def schema_sent(cls) -> dict[str, Any]:
        """The JSON schema, without titles and descriptions, which small models take for content."""
        schema: dict[str, Any] = _bare(cls.model_json_schema())
        return schema


def _bare(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            k: _bare(v) for k, v in node.items() if not (k in ("title", "description") and isinstance(v, str))
        }
    return [_bare(item) for item in node] if isinstance(node, list) else node


class AttemptOutput(Output):
    """A structured chain and the answer."""

    premises: list[str]
    steps: list[str]
    conclusion: str
    answer: Text
    used: list[str] = []


class WordingOutput(Output):
    """One experience."""

    when_to_use: Text
    content: Text


class FindingOutput(Output):
    trajectory: int
    first_wrong_step: str
    error_type: ErrorType


class AddOutput(WordingOutput):
    op: Literal["add"]


class RewriteOutput(WordingOutput):
    op: Literal["rewrite"]
    label: str


class MergeOutput(WordingOutput):
    op: Literal["merge"]
    labels: Annotated[list[str], Field(min_length=2)]


class RemoveOutput(Output):
    op: Literal["remove"]
    label: str


OperationOutput = Annotated[AddOutput | RewriteOutput | MergeOutput | RemoveOutput, Field(discriminator="op")]


class VerdictOutput(Output):
    label: str
    verdict: Verdict


class CritiqueOutput(Output):
    """The whole critique; of the operations at most two are used."""

    findings: list[FindingOutput]
    verdicts: list[VerdictOutput]
    operations: list[OperationOutput]


class ChainOutput(Output):
    """A trace brought down to its structure."""

    premises: list[str]
    steps: list[str]
    conclusion: str


class JudgeOutput(Output):
    """Whether an answer means the same as the reference."""

    same: bool


class MergeDecision(Output):
    """What to do with a cluster of near-duplicates: one text, several, or nothing (`distinct`)."""

    decision: Literal["merge", "distinct"]
    experiences: list[WordingOutput]
