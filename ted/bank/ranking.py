"""Experiences measured against one question, and which of them are shown for it. Measuring is ted/bank/retriever's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ted.bank.diversity import diverse
from ted.bank.scoring import Calibration, ChannelScores, Keys, within_gap
from ted.experience import Experience, Retrieved, Similarity
from ted.settings import RetrievalSettings


@dataclass(frozen=True, slots=True)
class Ranking:
    """Experiences with their calibrated similarity by channel and fused; `keys` are their centred text keys."""

    found: Sequence[Experience]
    scores: ChannelScores
    fused: NDArray[np.float32]
    keys: Keys
    calibration: Calibration

    @property
    def order(self) -> list[int]:
        """Positions, best first, ties by id."""
        return sorted(range(len(self.found)), key=lambda n: (-float(self.fused[n]), self.found[n].id))

    @property
    def best(self) -> float | None:
        """The greatest similarity there is."""
        return max(map(float, self.fused), default=None)

    def chosen(self, settings: RetrievalSettings, floor: float) -> list[int]:
        """Positions of those near enough, at most k: the nearest, or by maximal marginal relevance."""
        order, similarity = self.order, [float(s) for s in self.fused]
        ranked = [similarity[n] for n in order]
        if settings.mmr_lambda is None:
            return order[: within_gap(ranked, k=settings.k, gap=settings.gap, floor=floor)]
        eligible = order[: within_gap(ranked, k=len(order), gap=settings.gap, floor=floor)]
        text = self.calibration.text
        return diverse(eligible, similarity, self.keys, text, k=settings.k, weight=settings.mmr_lambda)

    def retrieved(self, n: int, label: str) -> Retrieved:
        """The experience at a position, under the label it has in the prompt."""
        scores = self.scores
        similarity = Similarity(
            float(self.fused[n]),
            *(_given(channel[n]) for channel in (scores.text, scores.image, scores.caption)),
        )
        return Retrieved(self.found[n], similarity, label)


def _given(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)
