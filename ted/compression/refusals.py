"""What the teacher need not be asked again, as strings by the signature of a cluster. Keeping them is the store's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ted.bank.compressing import signature
from ted.bank.restoring import UNMERGED
from ted.experience import Experience

DISTINCT = "distinct"


def is_refused(signature: str, refusals: Mapping[str, str]) -> bool:
    """Whether these very experiences, in these versions, were refused, or are among some that were called distinct."""
    members = set(signature.split(","))
    return signature in refusals or any(
        answer == DISTINCT and members <= set(known.split(",")) for known, answer in refusals.items()
    )


def keeps_apart(refusals: Mapping[str, str]) -> Callable[[Experience, Experience], bool]:
    """Of two experiences, whether somebody undid a merge of them, and their texts are still those."""
    undone = [set(known.split(",")) for known, answer in refusals.items() if answer == UNMERGED]
    return lambda a, b: any({signature([a]), signature([b])} <= members for members in undone)
