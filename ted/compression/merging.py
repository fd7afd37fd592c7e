"""From a cluster to merges that lose nothing, or to a reason why its members stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from index.protocols import Vectors
from ted.bank.bank import Bank
from ted.bank.changes import Change
from ted.bank.conflicts import conflicting
from ted.compression.decisions import Decision
from ted.compression.facts import lost_facts
from ted.compression.plan import Cluster, Skipped
from ted.compression.refusals import DISTINCT
from ted.distillation.guards import WHEN_WORDS, wording_problems
from ted.errors import ModelFailure, UnfitOutput, UnparsableOutput
from ted.experience import Experience
from ted.injections import injection_in_experience
from ted.operations import Add, Merge, Rewrite
from ted.prompts.outputs import MergeDecision, WordingOutput
from ted.teacher import Teacher
from ted.texts import normalised

FAITHFUL, FAITHFUL_CONTENT = 0.75, 0.5
"""Cosine that a merged text has with each of its parents, at least: of `when_to_use + content`, and of `content` alone.

Contents of planted near-duplicates are 0.70 and more alike (MiniLM), a content that says nothing is at most 0.19.
"""


async def merge(
    cluster: Cluster, *, bank: Bank, teacher: Teacher, key: str, provenance: dict[str, Any]
) -> Decision:
    """What the teacher makes of the cluster. Each text replaces the members it stands for, if they are two or more."""
    said: list[MergeDecision] = []

    def problems(decision: MergeDecision) -> list[str]:
        said[:] = [decision]
        return merge_problems(decision, cluster.members)

    try:
        decision = await teacher.merge(cluster.members, call_key=key, problems=problems)
    except UnfitOutput as error:
        if held := await _held_back(said[0], cluster, bank, provenance):
            return held
        return _refusal(cluster, Skipped(_ids(cluster), "guard", str(error)))
    except UnparsableOutput as error:
        return _refusal(cluster, Skipped(_ids(cluster), "unparsable", str(error)))
    except ModelFailure as error:
        return Decision(skipped=(Skipped(_ids(cluster), "model_failure", str(error)),))
    if decision.decision == "distinct":
        return _refusal(cluster, Skipped(_ids(cluster), "distinct", "the teacher keeps them apart"))
    children = await _children(cluster, decision.experiences, bank)
    merges = [(text, parents) for text, parents in children if len(parents) > 1]
    if not merges:
        detail = "no text that the teacher wrote stands for two of them"
        return _refusal(cluster, Skipped(_ids(cluster), "guard", detail))
    return Decision(tuple(_change(text, parents, provenance) for text, parents in merges))


def merge_problems(decision: MergeDecision, members: Sequence[Experience]) -> list[str]:
    """What is wrong with a decision, in words its author can act on; an empty list where it may pass."""
    texts = decision.experiences
    if decision.decision == "distinct":
        return []
    if not 1 <= len(texts) <= len(members):
        return [f"A merge of {len(members)} has from 1 to {len(members)} experiences, not {len(texts)}."]
    problems = [p for text in texts for p in wording_problems(text.when_to_use, text.content)]
    for number, member in enumerate(members, 1):
        if not any(_stands_for(text, member) for text in texts):
            lost = min((lost_facts(member.content, text.content) for text in texts), key=len)
            what = f"it must state {', '.join(lost)} exactly" if lost else "a text contradicts it"
            problems.append(f"What experience {number} says is not kept: {what}.")
    return problems


def united(cluster: Cluster, provenance: dict[str, Any]) -> Change:
    """Identical contents as one, without a teacher: their different situations are joined while there is room."""
    wordings = list({normalised(e.when_to_use): e.when_to_use for e in reversed(cluster.members)}.values())
    when_to_use, *others = reversed(wordings)
    for other in others:
        joined = f"{when_to_use.rstrip(' .;')}; or: {other}"
        if len(joined.split()) <= WHEN_WORDS:
            when_to_use = joined
    text = WordingOutput(when_to_use=when_to_use, content=cluster.members[0].content)
    return _change(text, cluster.members, provenance)


def _stands_for(text: WordingOutput, member: Experience) -> bool:
    whole = f"{text.when_to_use}\n{text.content}"
    return not lost_facts(member.content, text.content) and not conflicting(member.text, whole)


async def _held_back(
    decision: MergeDecision, cluster: Cluster, bank: Bank, provenance: dict[str, Any]
) -> Decision | None:
    """The texts that give the model orders, kept for a review with what they would replace; None where there is none.

    The members stay as they are, and are not asked about again.
    """
    found = [(t, injection_in_experience(t.when_to_use, t.content)) for t in decision.experiences]
    suspect = [(text, injection) for text, injection in found if injection]
    if not suspect:
        return None
    children = await _children(cluster, [text for text, _ in suspect], bank)
    changes = tuple(_proposed(text, parents, provenance) for text, parents in children)
    skipped = Skipped(_ids(cluster), "quarantined", suspect[0][1].told)
    return Decision(changes, (skipped,), _refusal(cluster, skipped).refusals)


def _proposed(text: WordingOutput, parents: Sequence[Experience], provenance: dict[str, Any]) -> Change:
    if len(parents) > 1:
        return _change(text, parents, provenance)
    add = Add(text.when_to_use, text.content)
    operation = Rewrite(parents[0].id, text.when_to_use, text.content) if parents else add
    return Change(operation, (), parents[0].tags if parents else (), provenance)


async def _children(
    cluster: Cluster, texts: Sequence[WordingOutput], bank: Bank
) -> list[tuple[WordingOutput, tuple[Experience, ...]]]:
    """The texts, each with the members whose nearest faithful text it is."""
    wholes = [f"{t.when_to_use}\n{t.content}" for t in texts]
    whole = await _cosines([e.text for e in cluster.members], wholes, bank)
    content = await _cosines([e.content for e in cluster.members], [t.content for t in texts], bank)
    parents: list[list[Experience]] = [[] for _ in texts]
    for n, member in enumerate(cluster.members):
        stands = np.array([_stands_for(text, member) for text in texts])
        faithful = stands & (whole[n] >= FAITHFUL) & (content[n] >= FAITHFUL_CONTENT)
        if faithful.any():
            parents[int(np.where(faithful, whole[n], -1.0).argmax())].append(member)
    return [(text, tuple(found)) for text, found in zip(texts, parents, strict=True)]


async def _cosines(originals: Sequence[str], texts: Sequence[str], bank: Bank) -> Vectors:
    """One row an original, one column a text."""
    vectors = await bank.embed_texts([*originals, *texts])
    return vectors[: len(originals)] @ vectors[len(originals) :].T


def _change(text: WordingOutput, parents: Sequence[Experience], provenance: dict[str, Any]) -> Change:
    tags = tuple(dict.fromkeys(tag for parent in parents for tag in parent.tags))
    operation = Merge(tuple(e.id for e in parents), text.when_to_use, text.content)
    return Change(operation, (), tags, provenance | {"parents": [e.id for e in parents]})


def _ids(cluster: Cluster) -> tuple[str, ...]:
    return tuple(e.id for e in cluster.members)


def _refusal(cluster: Cluster, skipped: Skipped) -> Decision:
    answer = DISTINCT if skipped.reason == "distinct" else f"{skipped.reason}: {skipped.detail}"
    return Decision((), (skipped,), {cluster.signature: answer})
