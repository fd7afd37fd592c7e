"""What is chosen for an evaluation, and what of it cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ted.bank.training import Trained
from ted.errors import BadInput
from ted.evaluation.rows import Arm
from ted.profile import ProfileName
from ted.sample import Sample
from ted.texts import normalised, shortened

TOLD = 5


@dataclass(frozen=True, slots=True)
class Options:
    """Arms, and how they are asked. `irrelevant_bank`: the id of a bank of another domain; `demonstrations`: training

    samples shown at most, None: the bank's `k`; `allow_overlap`: whether training samples may be evaluated with.
    """

    arms: tuple[Arm, ...] = ("none", "retrieve")
    profile: ProfileName = "full"
    irrelevant_bank: str | None = None
    demonstrations: int | None = None
    allow_overlap: bool = False

    def check(self, bank_id: str) -> None:
        """Raises BadInput where the arms cannot be run."""
        wanted = "irrelevant" in self.arms
        if wanted and self.irrelevant_bank is None:
            raise BadInput("the arm 'irrelevant' needs a bank of another domain: name it (irrelevant_bank)")
        if wanted and self.irrelevant_bank == bank_id:
            raise BadInput("irrelevant_bank is the bank that is evaluated: name one of another domain")
        if not wanted and self.irrelevant_bank is not None:
            raise BadInput("irrelevant_bank is named, but the arm 'irrelevant' is not: add it to the arms")

    @property
    def models(self) -> tuple[bool, bool]:
        """Whether any arm asks the student, and whether any asks the teacher."""
        asks = set(self.arms)
        return bool(asks - {"copy", "teacher"}), bool(asks & {"teacher", "cascade"})


def overlapping(
    samples: Sequence[Sample], trained: Sequence[Trained], keys: Sequence[str]
) -> list[tuple[Sample, str]]:
    """The samples that the bank was distilled from, each with what it is the same as.

    The same is the same normalised text with the same images; for a question without images, a text of `keys` too: a
    bank that was imported has no samples, but its experiences are found by the questions they came from.
    """
    known = {t.asked: f"training sample {t.sample_id}" for t in reversed(trained)}
    named = {normalised(key) for key in keys}
    found = []
    for sample in samples:
        hashes = tuple(sorted(image.sha256 for image in sample.question.images))
        asked = normalised(sample.question.text)
        if (same := known.get((asked, hashes))) is not None:
            found.append((sample, same))
        elif not hashes and asked in named:
            found.append((sample, "a question that an experience is found by"))
    return found


def check_labelled(samples: Sequence[Sample]) -> None:
    """Raises BadInput where nobody said what is right: a report is no place for what a teacher believes."""
    if without := [sample.id for sample in samples if sample.unlabelled]:
        more = f" and {len(without) - TOLD} more" if len(without) > TOLD else ""
        raise BadInput(
            f"{len(without)} of the samples have no reference answer ({', '.join(without[:TOLD])}{more}), so that nothing "
            "could be graded: write it, or leave them out"
        )


def refused(overlap: Sequence[tuple[Sample, str]]) -> BadInput:
    """The error that names them."""
    named = "; ".join(
        f"'{sample.id}' ({shortened(sample.question.text)}) is {same}" for sample, same in overlap[:TOLD]
    )
    more = f"; and {len(overlap) - TOLD} more" if len(overlap) > TOLD else ""
    return BadInput(
        f"{len(overlap)} of the samples were distilled into the bank, so that it would be asked what it was told: "
        f"{named}{more}. Leave them out, or mark the report (--allow-overlap)"
    )
