"""How near a question is to experiences: centring, calibration by channel, fusion. Pure numpy; METHOD "Retrieval".

Three channels: text to text keys, image to image keys (CLIP), image to `when_to_use` as a caption (CLIP).
They are not comparable raw, so each is expressed against its own background: the similarity of what does not belong
together. A calibrated similarity of 0 is the background's mean, and SCALE is one of its standard deviations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from index.protocols import Ids, Vectors
from index.vectors import centred, mean_of

SCALE = 0.125
"""One standard deviation of a channel's background, in calibrated units: about what centred MiniLM texts have."""

FEW_KEYS = 20
"""Below this many keys a background cannot be measured and the priors hold."""

MEASURED_KEYS = 512
"""At most this many keys, evenly spread, are compared with each other to measure a background."""

FOREIGN_SHARE = 0.02
"""The share of foreign questions for which something would be shown, where `min_similarity` is not set."""


MATCH = 3.0
"""How many standard deviations above its background a match is taken to lie, where channels are weighed."""

LEAST_INFORMATION = 1e-6
"""Below this many nats in all, channels weigh the same."""


@dataclass(frozen=True, slots=True)
class Background:
    """Mean and standard deviation of the cosines of what does not belong together."""

    mean: float
    deviation: float

    def calibrated(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines in units in which the background has mean 0 and standard deviation SCALE; same shape."""
        return np.asarray((cosines - self.mean) * (SCALE / self.deviation), dtype=np.float32)


TEXT_PRIOR = Background(0.0, SCALE)
IMAGE_PRIOR = Background(0.6, 0.12)  # ours, from published CLIP checkpoints: photographs of different things
CAPTION_PRIOR = Background(0.18, 0.03)


@dataclass(frozen=True, slots=True)
class Keys:
    """Vectors of one channel and, for each row, the experience it belongs to (a small integer)."""

    vectors: Vectors
    owners: Ids


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is frozen for a revision: the mean of the text keys, how many there were, and the three backgrounds."""

    text_mean: Vectors
    text_count: int
    text: Background
    image: Background
    caption: Background

    def text_centred(self, vectors: Vectors) -> Vectors:
        """Text vectors with the bank's shared template taken out; same shape."""
        return centred(vectors, self.text_mean, self.text_count)


def calibrate(text: Keys, images: Keys, captions: Keys, *, centring: bool = True) -> Calibration:
    """Measures the mean and the backgrounds of a bank; with few keys, the priors. Without `centring` the texts stay
    where they are, as if the bank had no mean."""
    count = len(text.owners) if centring else 0
    mean = mean_of(text.vectors)
    middle = Keys(centred(text.vectors, mean, count), text.owners)
    return Calibration(
        text_mean=mean,
        text_count=count,
        text=_background(middle, middle, TEXT_PRIOR),
        image=_background(images, images, IMAGE_PRIOR),
        caption=_background(images, captions, CAPTION_PRIOR),
    )


def _background(left: Keys, right: Keys, prior: Background) -> Background:
    keys = len(left.owners) + (0 if right is left else len(right.owners))
    if min(len(left.owners), len(right.owners)) == 0 or keys < FEW_KEYS:
        return prior
    left, right = _spread(left), _spread(right)
    cosines = left.vectors @ right.vectors.T
    strangers = cosines[left.owners[:, None] != right.owners[None, :]]
    if strangers.size < FEW_KEYS:
        return prior
    return Background(float(strangers.mean()), max(float(strangers.std()), 1e-3))


def _spread(keys: Keys) -> Keys:
    if len(keys.owners) <= MEASURED_KEYS:
        return keys
    rows = np.linspace(0, len(keys.owners) - 1, MEASURED_KEYS).astype(int)
    return Keys(keys.vectors[rows], keys.owners[rows])


@dataclass(frozen=True, slots=True)
class ChannelScores:
    """Calibrated similarity of a question to each experience in one channel; NaN where it has no such key."""

    text: NDArray[np.float32]
    image: NDArray[np.float32]
    caption: NDArray[np.float32]

    def fused(self) -> NDArray[np.float32]:
        """The weighted mean over the channels present: text, and what the images say, the better of image and caption.

        A channel weighs what it tells of which experience is meant, in nats: `log n - H(p)` over the n experiences,
        where p is softmax(MATCH * z), the posterior if what belongs together lies MATCH standard deviations above the
        background. A question such as "What is this?" is equally near to all or to many, tells next to nothing, and
        leaves the choice to its image. Channels that tell nothing weigh the same. An experience that lacks a
        channel is judged by the other alone.
        """
        visual = np.fmax(self.image, self.caption)
        words, looks = _information(self.text), _information(visual)
        share = words / (words + looks) if words + looks > LEAST_INFORMATION else 0.5
        both = share * self.text + (1 - share) * visual
        return np.asarray(np.where(np.isnan(both), np.fmax(self.text, visual), both), dtype=np.float32)


def _information(scores: NDArray[np.float32]) -> float:
    """How many nats of the choice among the experiences the scores settle; those of NaN count as background."""
    if not len(scores) or np.isnan(scores).all():
        return 0.0
    logits = MATCH / SCALE * np.nan_to_num(scores.astype(np.float64))
    posterior = np.exp(logits - logits.max())
    posterior /= posterior.sum()
    entropy = -float((posterior * np.log(np.maximum(posterior, 1e-300))).sum())
    return max(math.log(len(scores)) - entropy, 0.0)


def best_by_owner(question: Vectors, keys: Keys, background: Background, owners: int) -> NDArray[np.float32]:
    """For each of `owners` experiences the best calibrated similarity of any question row to any of its keys."""
    best = np.full(owners, np.nan, dtype=np.float32)
    if len(question) and len(keys.owners):
        scores = background.calibrated((keys.vectors @ question.T).max(axis=1))
        np.fmax.at(best, keys.owners, scores)
    return best


def foreign_threshold(foreign: Vectors, keys: Keys, calibration: Calibration) -> float:
    """The similarity that only FOREIGN_SHARE of the foreign questions (rows) reach with any key of the bank."""
    if not len(keys.owners) or not len(foreign):
        return 0.0
    middle = calibration.text_centred(keys.vectors)
    best = calibration.text.calibrated((calibration.text_centred(foreign) @ middle.T).max(axis=1))
    return float(np.quantile(best, 1 - FOREIGN_SHARE))


def chance_threshold(experiences: int, channels: int) -> float:
    """The same for questions with images, where no foreign ones are at hand: what the best of so many independent
    draws from the background exceeds with probability FOREIGN_SHARE, for a mean over so many channels."""
    quantile = NormalDist().inv_cdf((1 - FOREIGN_SHARE) ** (1 / max(experiences, 1)))
    return quantile * SCALE / math.sqrt(channels)


def visual_threshold(experiences: int, calibration: Calibration) -> float:
    """`chance_threshold` of one visual channel, but at most half of what a perfect match would have.

    The things of one bank are often akin, so that their background is wide and its normal tail runs past cosine 1:
    such a threshold would refuse the very picture that is in the bank.
    """
    perfect = [
        float(b.calibrated(np.ones(1, dtype=np.float32))[0]) for b in (calibration.image, calibration.caption)
    ]
    return min(chance_threshold(experiences, channels=1), min(perfect) / 2)


def within_gap(similarities: list[float], *, k: int, gap: float, floor: float) -> int:
    """How many of these similarities (best first) are kept: at most k, none below `floor`, none `gap` below the best."""
    if any(b > a for a, b in pairwise(similarities)):
        raise ValueError("similarities must be sorted, best first")
    if not similarities or similarities[0] < floor:
        return 0
    return sum(1 for s in similarities[:k] if s >= similarities[0] - gap and s >= floor)
