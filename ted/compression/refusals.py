"""What the teacher need not be asked again, as strings by the signature of a cluster. Keeping them is the store's."""

from __future__ import annotations

from collections.abc import Mapping

DISTINCT = "distinct"


def is_refused(signature: str, refusals: Mapping[str, str]) -> bool:
    """Whether these very experiences, in these versions, were refused, or are among some that were called distinct."""
    members = set(signature.split(","))
    return signature in refusals or any(
        answer == DISTINCT and members <= set(known.split(",")) for known, answer in refusals.items()
    )
