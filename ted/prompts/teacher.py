"""What the teacher is sent: to solve, explain, compress, critique, mend, merge, rewrite. Reading replies is parsing's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ted.chat import Message
from ted.experience import Experience, Retrieval
from ted.operations import Add, Merge, Rewrite
from ted.prompts.render import render
from ted.prompts.student import Form
from ted.sample import Question, Sample
from ted.trajectory import Chain, Solution


@dataclass(frozen=True, slots=True)
class Shown:
    """A trajectory as the critique shows it."""

    number: int
    correct: bool
    trace: str
    answer: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that went wrong although an experience was shown for it."""

    question: str
    answered: str
    reference: str


def as_text(chain: Chain, answer: str) -> str:
    """A chain as the prompts show it."""
    lines = [f"Premises: {'; '.join(chain.premises)}"] if chain.premises else []
    lines += [f"Step {n}: {step}" for n, step in enumerate(chain.steps, 1)]
    lines += [f"Conclusion: {chain.conclusion}"] if chain.conclusion else []
    return "\n".join([*lines, f"Answer: {answer}"])


def solve_messages(question: Question, form: Form) -> tuple[Message, ...]:
    """To solve a question, seeing neither trajectories nor reference."""
    return render(f"teacher_solve_{form}", images=question.images, question=question.text)


def explain_messages(sample: Sample, form: Form) -> tuple[Message, ...]:
    """To explain the reference answer."""
    return render(
        f"teacher_explain_{form}",
        images=sample.question.images,
        question=sample.question.text,
        reference=sample.answer,
    )


def compress_messages(trace: str) -> tuple[Message, ...]:
    """To bring a long trace down to its structure."""
    return render("teacher_compress", trace=trace)


def critique_messages(
    sample: Sample, solution: Solution, shown: Sequence[Shown], retrieval: Retrieval, form: Form
) -> tuple[Message, ...]:
    """To compare, and to propose operations; in the short form, one new experience."""
    text = as_text(solution.attempt.chain, solution.attempt.final_answer)
    if form == "short":
        text = solution.attempt.final_answer if solution.rationalised else ""
    return render(
        f"teacher_critique_{form}",
        images=sample.question.images,
        question=sample.question.text,
        reference=sample.answer,
        solution=text,
        rationalised=solution.rationalised,
        trajectories=shown,
        retrieved=retrieval.shown,
    )


def mend_messages(
    sample: Sample, proposal: Add | Rewrite | Merge, problems: Sequence[str]
) -> tuple[Message, ...]:
    """To write a proposal anew that a guard refused."""
    return render(
        "teacher_mend",
        images=sample.question.images,
        question=sample.question.text,
        reference=sample.answer,
        when_to_use=proposal.when_to_use,
        content=proposal.content,
        problems=problems,
    )


def merge_messages(experiences: Sequence[Experience]) -> tuple[Message, ...]:
    """To merge a cluster of near-duplicates, or to refuse."""
    return render("teacher_merge", experiences=experiences)


def rewrite_messages(experience: Experience, failures: Sequence[Failure]) -> tuple[Message, ...]:
    """To write an experience anew with its failures at hand."""
    return render("teacher_rewrite", experience=experience, failures=failures)
