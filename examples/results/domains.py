"""What is measured: domains and their samples, students, and the variants of a distillation that are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ted.images import ImageLimits
from ted.jobs.distillation import Options
from ted.sample import Sample
from ted.sample_files import read_samples
from ted.settings import RetrievalSettings

EXAMPLES = Path(__file__).parents[1]

DOMAINS = ("house_codes", "output_formats", "house_rules", "greatest_divisors", "knights")
"""Each a folder of examples/. The bank of the one before it is its irrelevant bank."""

STUDENTS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
TEACHER = "qwen2.5-coder-1.5b"


def samples_of(domain: str, part: Literal["train", "eval"]) -> list[Sample]:
    """The domain's samples as they are committed."""
    return read_samples(EXAMPLES / domain / f"{part}.jsonl", limits=ImageLimits())


def irrelevant_to(domain: str) -> str:
    """The domain whose bank is of no use for this one."""
    return DOMAINS[DOMAINS.index(domain) - 1]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to make a bank or to search it: `options` for one that distils a bank of its own; else the bank of the
    way as it is, or a copy of it whose experiences are found by their `wording` alone, or that is `compressed`."""

    name: str
    about: str
    options: Options | None = None
    copied: Literal["wording", "compressed"] | None = None
    retrieval: Callable[[RetrievalSettings], RetrievalSettings] = lambda settings: settings
    centring: bool = True


AS_IT_IS = Variant("as-it-is", "all defaults, profile `compact`", Options(profile="compact"))

ABLATIONS = (
    Variant("wording-keys", "keys by `when_to_use` only", copied="wording"),
    Variant("uncentred", "no centring", centring=False),
    Variant(
        "fixed-k",
        "always the 4 nearest, however far behind the best",
        retrieval=lambda s: replace(s, gap=2.0),
    ),
    Variant(
        "no-abstention",
        "no threshold: something is always shown",
        retrieval=lambda s: replace(s, min_similarity=-2.0),
    ),
    Variant("compressed", "the bank compressed at the end", copied="compressed"),
    Variant("no-solution", "no solution of the teacher's own", Options(profile="compact", solves=0)),
    Variant("gate-sample", "gate `sample`", Options(profile="compact", gate="sample")),
    Variant("gate-neighbours", "gate `neighbours`", Options(profile="compact", gate="neighbours")),
)
