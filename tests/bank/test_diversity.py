"""Maximal marginal relevance, against its definition."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ted.bank.bank import Bank
from ted.bank.diversity import diverse
from ted.bank.scoring import Background, Keys
from ted.errors import BadSetting
from ted.sample import Question
from ted.settings import RetrievalSettings
from tests.stores import added

PLAIN = Background(0.0, 1.0)


def keys(*rows: list[float]) -> Keys:
    vectors = np.asarray(rows, dtype=np.float32)
    return Keys(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.arange(len(rows)))


def test_a_twin_of_what_is_chosen_comes_after_what_differs() -> None:
    told = keys([1, 0, 0], [1, 0.01, 0], [0, 1, 0])

    assert diverse([0, 1, 2], [0.9, 0.89, 0.8], told, PLAIN, k=2, weight=0.5) == [0, 2]


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=8), st.integers(1, 8))
def test_with_all_weight_on_similarity_the_order_stays(similarity: list[float], k: int) -> None:
    order = sorted(range(len(similarity)), key=lambda n: (-similarity[n], n))
    told = keys(*([1.0, float(n), 1.0] for n in range(len(similarity))))

    assert diverse(order, similarity, told, PLAIN, k=k, weight=1.0) == order[:k]


def test_of_nothing_nothing_is_chosen() -> None:
    assert diverse([], [], keys([1.0, 0.0]), PLAIN, k=3, weight=0.7) == []


async def test_a_bank_that_asks_for_diversity_shows_other_experiences(bank: Bank) -> None:
    for wording in ("A red door is jammed", "A red door is jammed again", "A red window is jammed"):
        await added(bank, wording, f"{wording}: call.")
    wide = RetrievalSettings(k=2, gap=2.0, min_similarity=-2.0)
    question = Question("The red door is jammed")

    plain = await bank.retrieve(question, wide)
    mixed = await bank.retrieve(question, wide.with_options({"mmr_lambda": 0.3}))

    assert [r.experience.when_to_use for r in plain.retrieved] == [
        "A red door is jammed",
        "A red door is jammed again",
    ]
    assert [r.experience.when_to_use for r in mixed.retrieved] == [
        "A red door is jammed",
        "A red window is jammed",
    ]
    assert [r.label for r in mixed.retrieved] == ["E1", "E2"]
    assert all(a.similarity.fused >= b.similarity.fused for a, b in pairwise(plain.retrieved))


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_weight_beyond_0_and_1_is_refused(weight: float) -> None:
    with pytest.raises(BadSetting, match="mmr_lambda"):
        RetrievalSettings(mmr_lambda=weight)
