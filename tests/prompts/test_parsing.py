"""Completions become our types or UnparsableOutput, whatever a model wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ted.errors import UnparsableOutput
from ted.experience import Experience, Retrieval, Retrieved, Similarity
from ted.operations import Add, Merge, Remove, Rewrite
from ted.prompts.outputs import (
    AttemptOutput,
    ChainOutput,
    CritiqueOutput,
    MergeDecision,
    Output,
    WordingOutput,
)
from ted.prompts.parsing import parsed_attempt, parsed_chain, parsed_critique, parsed_json
from ted.trajectory import Attempt, Chain, Finding

SHOWN = Retrieval(
    tuple(
        Retrieved(Experience(f"exp_{n}", 1, "when", "content"), Similarity(0.5), f"E{n}") for n in (1, 2, 3)
    ),
    4,
    abstained=False,
)
ATTEMPT = {"premises": ["p"], "steps": ["s", "t"], "conclusion": "c", "answer": " 48 ", "used": ["E2"]}
WORDING = {"when_to_use": "w", "content": "c"}


def critique(**given: Any) -> str:
    return json.dumps({"findings": [], "verdicts": [], "operations": []} | given)


@pytest.mark.parametrize(
    "wrapped",
    [
        "{}",
        "```json\n{}\n```",
        "Here it is:\n\n{}\n\nI hope that helps.",
        "  \n{}",
        "<think>\nIs it {B} or {C}?\n</think>\n\n{}",
    ],
)
def test_a_chain_is_read_from_json_with_prose_and_fences_around_it(wrapped: str) -> None:
    text = wrapped.replace("{}", json.dumps(ATTEMPT))

    assert parsed_attempt(text, "chain") == Attempt(Chain(("p",), ("s", "t"), "c"), "48", ("E2",))


def test_what_was_used_may_be_left_out() -> None:
    text = json.dumps({k: v for k, v in ATTEMPT.items() if k != "used"})

    assert parsed_attempt(text, "chain").used == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON object"),
        ("I cannot answer that.", "no JSON object"),
        ("}{", "no JSON object"),
        ('{"premises": [', "no JSON object"),
        ('{"premises": [}', "the JSON is broken"),
        ('{"a": ' * 5000 + "1" + "}" * 5000, "premises: Field required|the JSON is broken"),
        ('{"answer": "48"}', "premises: Field required; steps: Field required"),
        (json.dumps(ATTEMPT | {"answer": "  "}), "answer: String should have at least 1 character"),
        (json.dumps(ATTEMPT | {"steps": "s"}), "steps: Input should be a valid list"),
        (json.dumps(ATTEMPT | {"mood": "good"}), "mood: Extra inputs"),
    ],
)
def test_what_is_wrong_with_a_chain_is_told_in_words_to_act_on(text: str, problem: str) -> None:
    with pytest.raises(UnparsableOutput, match=problem) as told:
        parsed_attempt(text, "chain")

    assert told.value.text == text


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("48", "48"),
        ("\n  QX-417  \nbecause it is a badge", "QX-417"),
        ("The pallet holds crates.\nAnswer: 48", "48"),
        ("Answer: 1\nNo, wait.\nFinal answer: -5", "-5"),
        ("**Final Answer:** B", "B"),
        ("**Answer: B**", "B"),
        ("Answer: **B**", "**B**"),
        ("Answer:\n(B) Paris", "(B) Paris"),
        ("answer : $12.50", "$12.50"),
        ("Answer: .5", ".5"),
        ("Answer: [1, 2]", "[1, 2]"),
        ("### Answer: `rm -r`", "`rm -r`"),
        ("<think>\nAnswer: no\n</think>\n\nQX-417", "QX-417"),
    ],
)
def test_the_short_form_keeps_the_answer_as_it_was_written(text: str, answer: str) -> None:
    assert parsed_attempt(text, "short") == Attempt(Chain(), answer)


@pytest.mark.parametrize(
    "text", ["", "  \n\t\n", "<think>\nIt was cut off in its thoughts", "<think>a</think>\n"]
)
def test_an_empty_short_reply_is_unparsable(text: str) -> None:
    with pytest.raises(UnparsableOutput, match="empty"):
        parsed_attempt(text, "short")


def test_labels_of_a_critique_become_the_ids_that_the_prompt_showed() -> None:
    text = critique(
        findings=[{"trajectory": 1, "first_wrong_step": "s", "error_type": "reasoning"}],
        verdicts=[{"label": "E1", "verdict": "helpful"}, {"label": "E3", "verdict": "harmful"}],
        operations=[
            {"op": "rewrite", "label": "E1", **WORDING},
            {"op": "merge", "labels": ["E2", "E3", "E2"], **WORDING},
        ],
    )

    found = parsed_critique(text, SHOWN)

    assert found.findings == (Finding(1, "s", "reasoning"),)
    assert found.verdicts == {"exp_1": "helpful", "exp_3": "harmful"}
    assert found.operations == (Rewrite("exp_1", "w", "c"), Merge(("exp_2", "exp_3"), "w", "c"))


def test_every_operation_is_read() -> None:
    text = critique(operations=[{"op": "add", **WORDING}, {"op": "remove", "label": "E2"}])

    assert parsed_critique(text, SHOWN).operations == (Add("w", "c"), Remove("exp_2"))


@pytest.mark.parametrize(
    ("given_", "problem"),
    [
        (
            {"operations": [{"op": "remove", "label": "E9"}]},
            r"'E9' names no experience: there are E1, E2, E3",
        ),
        ({"operations": [{"op": "remove", "label": "exp_1"}]}, r"'exp_1' names no experience"),
        ({"verdicts": [{"label": "E9", "verdict": "helpful"}]}, r"'E9' names no experience"),
        ({"operations": [{"op": "merge", "labels": ["E1", "E1"], **WORDING}]}, "two different labels"),
        ({"operations": [{"op": "merge", "labels": ["E1"], **WORDING}]}, "at least 2 items"),
        ({"operations": [{"op": "add", **WORDING}] * 3}, "3 given, at most 2"),
        ({"operations": [{"op": "explode"}]}, "operations.0"),
        ({"operations": [{"op": "add", "when_to_use": "", "content": "c"}]}, "operations.0.add.when_to_use"),
        ({"findings": [{"trajectory": 0, "first_wrong_step": "", "error_type": "mood"}]}, "error_type"),
    ],
)
def test_what_is_wrong_with_a_critique_is_told(given_: dict[str, Any], problem: str) -> None:
    with pytest.raises(UnparsableOutput, match=problem):
        parsed_critique(critique(**given_), SHOWN)


def test_a_label_where_nothing_was_shown_is_told_so() -> None:
    nothing = Retrieval((), 0, abstained=True)

    with pytest.raises(UnparsableOutput, match="no experience was shown"):
        parsed_critique(critique(operations=[{"op": "remove", "label": "E1"}]), nothing)


PARSERS: list[Callable[[str], object]] = [
    lambda text: parsed_attempt(text, "chain"),
    lambda text: parsed_attempt(text, "short"),
    parsed_chain,
    lambda text: parsed_critique(text, SHOWN),
    lambda text: parsed_json(text, WordingOutput),
    lambda text: parsed_json(text, MergeDecision),
]

names = st.sampled_from(
    [
        "premises",
        "steps",
        "conclusion",
        "answer",
        "used",
        "findings",
        "verdicts",
        "operations",
        "op",
        "label",
        "labels",
        "when_to_use",
        "content",
        "decision",
        "experiences",
        "trajectory",
        "error_type",
        "verdict",
    ]
)
words = st.text(max_size=8) | st.sampled_from(
    ["E1", "E9", "add", "merge", "remove", "rewrite", "helpful", "format"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


def never_raises_anything_else(text: str) -> None:
    for parse in PARSERS:
        with suppress(UnparsableOutput):
            parse(text)


@given(st.text() | st.text(alphabet='{}[]":,\\ue0d1ntf', max_size=40))
def test_no_text_raises_anything_but_unparsable_output(text: str) -> None:
    never_raises_anything_else(text)


@given(values)
def test_no_json_raises_anything_but_unparsable_output(value: Any) -> None:
    never_raises_anything_else(json.dumps(value))


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' + "[" * 200_000 + "]" * 200_000 + "}",  # nested more deeply than Python goes
        '{"trajectory": ' + "9" * 10_000 + "}",
        '{"when_to_use": "\\ud800", "content": "\\udfff"}',  # half of a surrogate pair
        '{"when_to_use": "\\u0000", "content": "c"}',
        '{"a": NaN, "b": Infinity}',
        "{" * 10_000,
        "answer" * 20_000,
        "answer:" + "\n" * 20_000,
    ],
)
def test_what_is_made_to_break_a_parser_does_not(text: str) -> None:
    never_raises_anything_else(text)


@pytest.mark.parametrize("shape", [AttemptOutput, WordingOutput, CritiqueOutput, ChainOutput, MergeDecision])
def test_a_schema_that_is_sent_is_closed_and_without_titles(shape: type[Output]) -> None:
    sent = json.dumps(shape.schema_sent())

    assert '"additionalProperties": false' in sent
    assert '"title"' not in sent
    assert '"description"' not in sent
