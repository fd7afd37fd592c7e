"""Sample, Question, Image and the graders' specifications, as values. Reading them from files is ted/sample_files."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Image:
    """A decoded and checked image: its bytes as they came, and the sha256 hex digest by which it is known."""

    sha256: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a text that is not blank, and any number of images."""

    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Exact:
    """The same text after Unicode and white-space normalisation, case and a closing full stop aside."""


@dataclass(frozen=True, slots=True)
class Numeric:
    """The same number, within an absolute or relative tolerance (whichever is wider)."""

    tolerance: float = 1e-6


@dataclass(frozen=True, slots=True)
class Choice:
    """The same option letter or number: `B`, `(B)`, `B) Paris` and `Answer: B` are one."""


@dataclass(frozen=True, slots=True)
class Regex:
    """The reference answer is a regular expression that the whole final answer must match."""


@dataclass(frozen=True, slots=True)
class Json:
    """The same JSON value; order of keys does not matter."""


@dataclass(frozen=True, slots=True)
class Math:
    """The same mathematical value: `1/2`, `0.5` and `\\frac{1}{2}` are one; so are `x^2-1` and `(x-1)(x+1)`."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A model is asked whether the final answer means the same as the reference."""


SelfGraded = Exact | Numeric | Choice | Regex | Json | Math
"""What is graded without asking a model."""

Grader = SelfGraded | Judge


@dataclass(frozen=True, slots=True)
class Sample:
    """A question with its reference answer; `id` is unique within its file.

    `unlabelled`: nobody said what is right; `answer` is then what the teacher said, or blank until it did.
    """

    id: str
    question: Question
    answer: str
    grader: Grader = field(default_factory=Exact)
    tags: tuple[str, ...] = ()
    unlabelled: bool = False
