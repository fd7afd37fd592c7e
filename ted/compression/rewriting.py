"""From an experience that does not help to a better text of it, or to a reason why it stays as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ted.bank.changes import Change
from ted.compression.decisions import Decision
from ted.compression.plan import Failing, Skipped
from ted.distillation.guards import leaks, ngrams, shared_ngrams, wording_problems
from ted.errors import ModelFailure, UnfitOutput, UnparsableOutput
from ted.injections import injection_in_experience
from ted.operations import Rewrite
from ted.prompts.outputs import WordingOutput
from ted.prompts.teacher import Failure
from ted.teacher import Teacher

UNKNOWN = "(not known, but not this)"


async def rewrite(failing: Failing, *, teacher: Teacher, key: str, provenance: dict[str, Any]) -> Decision:
    """What the teacher writes in its place, told of the questions that went wrong."""
    experience = failing.experience
    failures = [
        Failure(w.question, w.answered, w.sample.answer if w.sample else UNKNOWN) for w in failing.wrong
    ]
    said: list[WordingOutput] = []

    def problems(wording: WordingOutput) -> list[str]:
        said[:] = [wording]
        return rewrite_problems(wording, failing)

    try:
        wording = await teacher.rewrite(experience, failures, call_key=key, problems=problems)
    except UnfitOutput as error:
        if found := injection_in_experience(said[0].when_to_use, said[0].content):
            held = _refusal(failing, Skipped((experience.id,), "quarantined", found.told))
            operation = Rewrite(experience.id, said[0].when_to_use, said[0].content)
            return replace(held, changes=(Change(operation, (), experience.tags, provenance),))
        return _refusal(failing, Skipped((experience.id,), "guard", str(error)))
    except UnparsableOutput as error:
        return _refusal(failing, Skipped((experience.id,), "unparsable", str(error)))
    except ModelFailure as error:
        return Decision(skipped=(Skipped((experience.id,), "model_failure", str(error)),))
    operation = Rewrite(experience.id, wording.when_to_use, wording.content)
    return Decision((Change(operation, (), experience.tags, provenance),))


def rewrite_problems(wording: WordingOutput, failing: Failing) -> list[str]:
    """What is wrong with a rewriting, in words its author can act on; an empty list where it may pass."""
    whole = f"{wording.when_to_use}\n{wording.content}"
    problems = wording_problems(wording.when_to_use, wording.content)
    if whole == failing.experience.text:
        problems.append("It is the same text; say what helps with those questions.")
    questions = [w.question for w in failing.wrong]
    own = ngrams(failing.experience.text) | shared_ngrams(questions)
    for wrong in failing.wrong:
        if wrong.sample and leaks(whole, wrong.sample):
            problems.append(
                f"It gives away the answer of one question ({wrong.sample.answer}); say how to find it."
            )
        if taken := sorted((ngrams(whole) & ngrams(wrong.question)) - own):
            problems.append(f'It copies wording of a question: "{" ".join(taken[0])}"; say it in general.')
    return problems


def _refusal(failing: Failing, skipped: Skipped) -> Decision:
    return Decision((), (skipped,), {failing.signature: f"{skipped.reason}: {skipped.detail}"})
