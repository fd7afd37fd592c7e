"""What decides a compression, beside bank and teacher."""

from __future__ import annotations

from dataclasses import dataclass

from ted.errors import BadSetting


@dataclass(frozen=True, slots=True)
class CompressionSettings:
    """`near`: cosine of `when_to_use + content` from which two experiences are near-duplicates; METHOD "Compression".

    `cluster_size`: experiences that the teacher is shown at once, at most.
    """

    near: float = 0.90
    cluster_size: int = 6

    def __post_init__(self) -> None:
        if not 0 < self.near <= 1:
            raise BadSetting(f"near is {self.near}: it must be a cosine above 0 and at most 1")
        if not 2 <= self.cluster_size <= 6:
            raise BadSetting(f"cluster_size is {self.cluster_size}: it must be from 2 to 6")
