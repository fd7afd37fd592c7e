"""Maximal marginal relevance: which of the experiences that are near enough are chosen, so that they differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ted.bank.scoring import Background, Keys


def diverse(
    eligible: Sequence[int],
    similarity: Sequence[float],
    keys: Keys,
    background: Background,
    *,
    k: int,
    weight: float,
) -> list[int]:
    """At most k of the eligible experiences, in the order in which they are chosen; the first is the first eligible.

    Next is always the one with the greatest `weight * similarity - (1 - weight) * likeness`, ties by the order of
    `eligible` (Carbonell and Goldstein 1998, section 2). Its likeness is the greatest calibrated similarity of any of
    its text `keys` to any of those chosen before; `keys` are centred, their owners positions in `similarity`.
    """
    chosen, left = list(eligible[:1]), list(eligible[1:])
    mine = {n: keys.vectors[keys.owners == n] for n in eligible}

    def likeness(one: int, other: int) -> float:
        if not len(mine[one]) or not len(mine[other]):
            return 0.0
        best = (mine[one] @ mine[other].T).max()
        return float(background.calibrated(np.asarray([best], dtype=np.float32))[0])

    alike = {n: likeness(n, chosen[0]) for n in left} if chosen else {}
    while left and len(chosen) < k:
        chosen.append(max(left, key=lambda n: weight * similarity[n] - (1 - weight) * alike[n]))
        left.remove(chosen[-1])
        alike = {n: max(alike[n], likeness(n, chosen[-1])) for n in left}
    return chosen[:k]
