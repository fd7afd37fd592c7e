"""Guards on a proposed text: what is wrong with it, in words its author can act on. Pure; METHOD step 6."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import assert_never

from ted.grading.choice import option
from ted.grading.numeric import Quantity, quantities, quantity
from ted.injections import injection_in_experience
from ted.sample import Choice, Exact, Json, Judge, Math, Numeric, Regex, Sample
from ted.texts import normalised

WHEN_WORDS, CONTENT_WORDS = 40, 80
GRACE = 1.25
"""The prompt asks for the limits, the guard refuses beyond this multiple of them."""

NGRAM = 8


def ngrams(text: str) -> set[tuple[str, ...]]:
    """All runs of NGRAM words, normalised."""
    words = re.findall(r"\w+", normalised(text))
    return {tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)}


def shared_ngrams(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """The runs that two or more of the texts have: the template of a domain, not the wording of a question."""
    counts = Counter(gram for text in texts for gram in ngrams(text))
    return {gram for gram, count in counts.items() if count > 1}


def wording_problems(when_to_use: str, content: str) -> list[str]:
    """What is wrong with an experience's text wherever it comes from: its length, orders to the model."""
    problems = []
    for name, text, limit in (("when_to_use", when_to_use, WHEN_WORDS), ("content", content, CONTENT_WORDS)):
        if (words := len(text.split())) > limit * GRACE:
            problems.append(f"{name} has {words} words; at most {limit} are allowed.")
    if found := injection_in_experience(when_to_use, content):
        problems.append(
            f"It gives the model orders about its instructions ({found.passage}); "
            "say what to know or do for the question."
        )
    return problems


def problems_of(
    when_to_use: str,
    content: str,
    *,
    sample: Sample,
    solution: str,
    template: Collection[tuple[str, ...]],
    facts: bool = True,
) -> list[str]:
    """Everything that is wrong with a proposal made for this sample; an empty list where it may pass.

    `facts`: whether it must state what the sample has to teach, which one text for several experiences need not.
    """
    problems = wording_problems(when_to_use, content)
    if leaks(f"{when_to_use}\n{content}", sample):
        problems.append(
            f"It gives away the answer of this one question ({sample.answer}); say how to find such answers."
        )
    copied = (ngrams(sample.question.text) | ngrams(solution)).difference(template)
    if taken := sorted(ngrams(when_to_use) & copied) + sorted(ngrams(content) & copied):
        problems.append(
            f'It copies wording of the question: "{" ".join(taken[0])}"; say it in general words.'
        )
    if facts and (fact := fact_of(sample)) and normalised(fact) not in normalised(content):
        problems.append(f"The fact to be learned is not in content: it must state {fact} exactly.")
    return problems


def leaks(text: str, sample: Sample) -> bool:
    """Whether the text states the reference as such, for graders whose answer is worth nothing in general."""
    match sample.grader:
        case Numeric(tolerance=tolerance):
            reference = quantity(sample.answer)
            if reference is None or _states(sample.question.text, reference, tolerance):
                return False
            return _states(text, reference, tolerance)
        case Choice():
            named = re.escape(option(sample.answer) or sample.answer.strip())
            pattern = rf"\({named}\)|\b(?:answer|option|choice)\s*(?:is\s*)?\(?{named}\b"
            return re.search(pattern, text, re.IGNORECASE) is not None
        case Math():
            return _states_expression(text, sample)
        case Exact() | Regex() | Json() | Judge():
            return False
        case _:
            assert_never(sample.grader)


def _states_expression(text: str, sample: Sample) -> bool:
    """A number is looked for as a number, another expression as it is written, white space and dollar signs aside."""
    if (reference := quantity(sample.answer)) is not None:
        asked = _states(sample.question.text, reference, Numeric().tolerance)
        return not asked and _states(text, reference, Numeric().tolerance)
    written, asked_text, told = (
        re.sub(r"[\s$]", "", normalised(part)) for part in (sample.answer, sample.question.text, text)
    )
    return len(written) > 2 and written not in asked_text and written in told


def _states(text: str, reference: Quantity, tolerance: float) -> bool:
    within = max(tolerance, tolerance * abs(reference.value))
    return any(abs(stated.value - reference.value) <= within for stated in quantities(text))


_PLAIN_WORDS = frozenset(("yes", "no", "true", "false", "none", "null", "unknown"))


def fact_of(sample: Sample) -> str | None:
    """The reference, where it is itself what is to be learned: a code or a name, not a number, option or sentence."""
    match sample.grader:
        case Exact():
            answer = sample.answer.strip()
            short = len(answer.split()) <= 4 and len(answer) > 1
            telling = re.search(r"[^\W\d_]", answer) is not None and answer.casefold() not in _PLAIN_WORDS
            return answer if short and telling else None
        case Json():
            text = sample.answer.strip()
            return text[1:-1] if re.fullmatch(r'"[^"\\]{2,60}"', text) else None
        case Regex():
            return sample.answer if re.fullmatch(r"[\w-]{2,60}", sample.answer) else None
        case Numeric() | Choice() | Math() | Judge():
            return None
        case _:
            assert_never(sample.grader)


def as_list(problems: Sequence[str]) -> str:
    """Problems on one line, for reports."""
    return " ".join(problems)
