"""Experience and its keys, as values. Storing them is ted/bank's affair, finding them index/'s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["active", "candidate", "quarantined", "rejected", "retired"]
KeyKind = Literal["when_to_use", "question", "image"]


@dataclass(frozen=True, slots=True)
class Key:
    """What an experience is found by: a text (`when_to_use`, a source `question`) or an `image` by its sha256."""

    kind: KeyKind
    text: str = ""
    image_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Experience:
    """When to use it, and what to do. `id` is for ever; `version` counts rewrites from 1.

    `student` is whose attempts it was made from, None where it was made by hand.
    """

    id: str
    version: int
    when_to_use: str
    content: str
    status: Status = "active"
    pinned: bool = False
    tags: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    student: str | None = None

    @property
    def text(self) -> str:
        """`when_to_use` and `content` as one text: what duplicates are compared by."""
        return f"{self.when_to_use}\n{self.content}"


@dataclass(frozen=True, slots=True)
class Similarity:
    """Calibrated similarity by channel (None where a side has no such key) and fused over the channels present."""

    fused: float
    text: float | None = None
    image: float | None = None
    image_text: float | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """One experience found for a question, with its similarity and the label it has in the prompt (E1, E2, ...).

    `shown`: whether the prompt has it; withheld, its place stays empty. `propensity`: the probability with which chance
    showed it, all others being shown; 1 where that was certain. `record`: how it did so far, in words, where the teacher
    is to know.
    """

    experience: Experience
    similarity: Similarity
    label: str
    shown: bool = True
    propensity: float = 1.0
    record: str = ""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A training sample shown as a question and its answer, images by sha256. Its similarity is plain cosine."""

    sample_id: str
    question: str
    images: tuple[str, ...]
    answer: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for a question at one bank revision, best first; `abstained` where nothing was near enough.

    `images_not_searched`: how many images of the question played no part, since no image embedder is configured.
    """

    retrieved: tuple[Retrieved, ...]
    revision: int
    abstained: bool
    best_similarity: float | None = None
    min_similarity: float = 0.0
    images_not_searched: int = 0
    demonstrations: tuple[Demonstration, ...] = ()

    @property
    def shown(self) -> tuple[Retrieved, ...]:
        """Those that the prompt has."""
        return tuple(r for r in self.retrieved if r.shown)

    def by_label(self, label: str) -> Retrieved | None:
        """The experience that the prompt calls `label`, or None where a model made the label up."""
        return next((r for r in self.shown if r.label == label), None)
