"""Centring, calibration, fusion, thresholds and the gap, on vectors made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.protocols import Vectors
from index.vectors import unit
from ted.bank.scoring import (
    CAPTION_PRIOR,
    FOREIGN_SHARE,
    IMAGE_PRIOR,
    SCALE,
    TEXT_PRIOR,
    Background,
    Calibration,
    ChannelScores,
    Keys,
    best_by_owner,
    calibrate,
    chance_threshold,
    foreign_threshold,
    visual_threshold,
    within_gap,
)

pytestmark = pytest.mark.each_store


def keys(rows: int, *, seed: int = 0, dimension: int = 16, shared: float = 0.0, each: int = 1) -> Keys:
    """Random unit rows with a shared part, `each` rows an owner."""
    chance = np.random.default_rng(seed)
    vectors = chance.normal(size=(rows, dimension))
    vectors[:, 0] += shared
    return Keys(unit(vectors), np.arange(rows) // each)


NONE = Keys(np.zeros((0, 16), dtype=np.float32), np.zeros(0, dtype=np.int64))


def scores(*values: float) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)


@pytest.mark.parametrize("count", [1, 2, 20, 180])
def test_the_share_of_the_mean_that_is_subtracted_is_n_of_n_plus_twenty(count: int) -> None:
    text = keys(count, shared=2.0)
    calibration = calibrate(text, NONE, NONE)
    query = keys(1, seed=9).vectors

    moved = calibration.text_centred(query)

    expected = query - count / (count + 20) * text.vectors.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(moved, expected / np.linalg.norm(expected), atol=1e-6)


def test_centring_takes_out_what_all_keys_share() -> None:
    text = keys(200, shared=6.0)
    assert float((text.vectors @ text.vectors.T).mean()) > 0.5

    middle = calibrate(text, NONE, NONE).text_centred(text.vectors)

    assert abs(float((middle @ middle.T).mean())) < 0.1


def test_without_centring_texts_stay_where_they_are() -> None:
    text = keys(200, shared=6.0)

    calibration = calibrate(text, NONE, NONE, centring=False)

    np.testing.assert_allclose(calibration.text_centred(text.vectors), text.vectors, atol=1e-6)
    assert calibration.text.mean > 0.5


@pytest.mark.parametrize("rows", [0, 1, 10, 19])
def test_below_twenty_keys_the_priors_hold(rows: int) -> None:
    few = keys(rows)

    calibration = calibrate(few, few, NONE)

    assert (calibration.text, calibration.image) == (TEXT_PRIOR, IMAGE_PRIOR)
    assert calibration.caption == CAPTION_PRIOR


def test_from_twenty_keys_on_a_background_is_the_cosines_of_what_has_different_owners() -> None:
    images = keys(20, each=2, shared=1.0)

    background = calibrate(NONE, images, NONE).image

    cosines = images.vectors @ images.vectors.T
    strangers = cosines[images.owners[:, None] != images.owners[None, :]]
    assert background.mean == pytest.approx(float(strangers.mean()), abs=1e-6)
    assert background.deviation == pytest.approx(float(strangers.std()), abs=1e-6)


def test_twenty_keys_of_one_experience_are_no_background() -> None:
    assert calibrate(keys(20, each=20), NONE, NONE).text == TEXT_PRIOR


def test_identical_keys_do_not_divide_by_zero() -> None:
    same = Keys(np.repeat(keys(1).vectors, 30, axis=0), np.arange(30))

    background = calibrate(same, same, same).image

    assert math.isfinite(float(background.calibrated(scores(1.0))[0]))


def test_calibrated_cosines_have_the_backgrounds_mean_at_zero_and_one_deviation_at_scale() -> None:
    background = Background(0.6, 0.1)

    np.testing.assert_allclose(background.calibrated(scores(0.6, 0.7)), [0.0, SCALE], atol=1e-6)


nan = float("nan")


@pytest.mark.parametrize(
    ("text", "image", "caption", "fused"),
    [
        (0.4, nan, nan, 0.4),  # a question without images
        (0.4, 0.8, nan, 0.6),
        (0.4, nan, 0.2, 0.3),
        (0.4, 0.8, 0.2, 0.6),  # the better of image and caption
        (0.4, 0.1, 0.2, 0.3),
        (nan, 0.8, 0.2, 0.8),  # only the channels present
        (nan, nan, nan, nan),
    ],
)
def test_fusion_is_the_mean_over_the_channels_present(
    text: float, image: float, caption: float, fused: float
) -> None:
    found = ChannelScores(scores(text), scores(image), scores(caption)).fused()

    np.testing.assert_allclose(found, [fused], atol=1e-6)


def test_an_experience_is_as_near_as_the_best_of_its_keys_to_the_best_row_of_the_question() -> None:
    rows = np.eye(4, dtype=np.float32)
    three = Keys(rows[[1, 0, 2]], np.asarray([0, 0, 2]))  # the nearer key of the first comes first
    question = unit(np.asarray([[0.1, 1.0, 0.0, 0.0], [0.0, 0.0, 0.5, 1.0]]))

    best = best_by_owner(question, three, Background(0.0, SCALE), 3)

    np.testing.assert_allclose(best[[0, 2]], [float(question[0, 1]), float(question[1, 2])], atol=1e-6)
    assert math.isnan(best[1])  # an experience without such a key


def test_no_question_row_or_no_key_gives_no_similarity() -> None:
    empty: Vectors = np.zeros((0, 16), dtype=np.float32)

    assert np.isnan(best_by_owner(empty, keys(3), TEXT_PRIOR, 3)).all()
    assert np.isnan(best_by_owner(keys(1).vectors, NONE, TEXT_PRIOR, 3)).all()


def test_the_threshold_lets_two_percent_of_foreign_questions_through() -> None:
    text, foreign = keys(60), keys(500, seed=5).vectors
    calibration = calibrate(text, NONE, NONE)

    threshold = foreign_threshold(foreign, text, calibration)

    middle = calibration.text_centred(text.vectors)
    cosines = calibration.text_centred(foreign) @ middle.T
    through = (calibration.text.calibrated(cosines.max(axis=1)) >= threshold).mean()
    assert through == pytest.approx(FOREIGN_SHARE, abs=0.005)


def test_an_empty_bank_has_a_threshold() -> None:
    empty = Calibration(np.zeros(16, dtype=np.float32), 0, TEXT_PRIOR, IMAGE_PRIOR, CAPTION_PRIOR)

    assert foreign_threshold(keys(5).vectors, NONE, empty) == 0.0
    assert chance_threshold(0, 2) == chance_threshold(1, 2)


def test_the_best_of_so_many_draws_passes_the_chance_threshold_in_two_percent() -> None:
    draws = np.random.default_rng(3).normal(0, SCALE, size=(20_000, 10, 2)).mean(axis=2)

    share = (draws.max(axis=1) > chance_threshold(10, 2)).mean()

    assert share == pytest.approx(FOREIGN_SHARE, abs=0.005)


@pytest.mark.parametrize(
    ("similarities", "kept"),
    [
        ([], 0),
        ([0.49], 0),  # nothing reaches the floor
        ([0.5], 1),
        ([0.9, 0.85, 0.8, 0.75, 0.7], 2),  # within 0.1 of the best
        ([0.9, 0.9, 0.9, 0.9, 0.9], 4),  # k is a maximum
        ([0.55, 0.5, 0.49], 2),  # near the best, but below the floor
    ],
)
def test_adaptive_k(similarities: list[float], kept: int) -> None:
    assert within_gap(similarities, k=4, gap=0.0999, floor=0.5) == kept


@given(st.lists(st.floats(-1, 1)), st.integers(1, 8), st.floats(0, 2, allow_nan=False), st.floats(-1, 1))
def test_what_is_kept_is_a_prefix_of_at_most_k_within_gap_and_floor(
    similarities: list[float], k: int, gap: float, floor: float
) -> None:
    ordered = sorted(similarities, reverse=True)

    kept = within_gap(ordered, k=k, gap=gap, floor=floor)

    assert kept <= min(k, len(ordered))
    assert all(s >= floor and s >= ordered[0] - gap for s in ordered[:kept])
    if kept < min(k, len(ordered)):
        assert ordered[kept] < floor or ordered[kept] < ordered[0] - gap


def test_similarities_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="best first"):
        within_gap([0.1, 0.2], k=2, gap=1.0, floor=0.0)


def test_a_channel_that_tells_nothing_of_the_experiences_leaves_the_choice_to_the_other() -> None:
    alike, telling = scores(0.3, 0.3, 0.3), scores(0.0, 0.4, 0.0)
    nothing = scores(nan, nan, nan)

    fused = ChannelScores(alike, telling, nothing).fused()
    mirrored = ChannelScores(telling, alike, nothing).fused()

    np.testing.assert_allclose(fused, telling, atol=1e-6)
    np.testing.assert_allclose(mirrored, telling, atol=1e-6)


def test_the_visual_threshold_is_within_reach_of_a_perfect_match_where_the_things_are_akin() -> None:
    akin = Background(0.0, 0.4)
    calibration = Calibration(np.zeros(16, dtype=np.float32), 0, TEXT_PRIOR, akin, akin)

    assert visual_threshold(24, calibration) == pytest.approx(SCALE / 0.4 / 2)
    assert visual_threshold(24, calibration) < chance_threshold(24, 1)
