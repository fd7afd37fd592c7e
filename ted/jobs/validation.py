"""Samples to validate with, for jobs that change a bank: none that the bank was, or is about to be, distilled from."""

from __future__ import annotations

from collections.abc import Sequence

from ted.bank.bank import Bank
from ted.bank.training import question_keys, trained_on
from ted.errors import BadInput
from ted.evaluation.options import TOLD, overlapping
from ted.sample import Sample
from ted.sample_sets import overlap
from ted.texts import shortened


def check_apart(bank: Bank, validation: Sequence[Sample], *, samples: Sequence[Sample] = ()) -> None:
    """Raises BadInput for validation samples that ask what the bank, or one of `samples`, was told.

    The same is what it is for evaluations: the normalised text with the same images.
    """
    if not validation:
        return
    with bank.database.reading() as session:
        trained, keys = trained_on(session, bank.id), question_keys(session, bank.id)
    found = [(sample, f"training sample {known.id}") for known, sample in overlap(samples, validation)]
    found += overlapping(validation, trained, keys)
    same = {sample.id: (sample, why) for sample, why in reversed(found)}
    told = [same[sample.id] for sample in validation if sample.id in same]
    if told:
        named = "; ".join(
            f"'{sample.id}' ({shortened(sample.question.text)}) is {why}" for sample, why in told[:TOLD]
        )
        more = f"; and {len(told) - TOLD} more" if len(told) > TOLD else ""
        raise BadInput(
            f"{len(told)} of the validation samples are training samples, too, and would prove nothing: {named}{more}. "
            "Leave them out"
        )
