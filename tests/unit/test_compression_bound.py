"""What an experience's usage says of it, and which experiences go for a bound's sake."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ted.bank.compressing import UNUSED, Standing, Survey
from ted.bank.usage import UsageStats
from ted.compression.bound import OLD, is_over, overflow, tokens_of
from ted.compression.usefulness import is_harmful, is_unhelpful
from ted.experience import Experience

NOW = 20


def used(shown: tuple[float, float], withheld: tuple[float, float] = (0, 0)) -> UsageStats:
    """Right and wrong of each side."""
    return replace(
        UNUSED,
        retrieved=int(sum(shown) + sum(withheld)),
        shown=int(sum(shown)),
        withheld=int(sum(withheld)),
        shown_correct=shown[0],
        shown_wrong=shown[1],
        withheld_correct=withheld[0],
        withheld_wrong=withheld[1],
        **tossed("shown", shown),
        **tossed("withheld", withheld),
    )


def tossed(side: str, graded: tuple[float, float]) -> dict[str, float]:
    """The sums of a side where a fair coin decided about each question, and each answer was right or wrong."""
    right, wrong = graded
    sums = {
        "weight": (right + wrong) / 2,
        "weight2": (right + wrong) / 4,
        "right": right / 2,
        "right2": right / 2,
    }
    return {f"{side}_{name}": value for name, value in sums.items()}


def standing(
    name: str, usage: UsageStats = UNUSED, *, made: int = NOW, pinned: bool = False, content: str = "Ring."
) -> Standing:
    return Standing(Experience(name, 1, "A door is locked", content, pinned=pinned), usage, made)


def survey(*standings: Standing, experiences: int = 200, tokens: int = 20_000) -> Survey:
    return Survey(NOW, experiences, tokens, standings, {})


def gone(found: Survey) -> list[str]:
    return [removal.experience_id for removal in overflow(found).removals]


def test_the_interval_of_utility_holds_its_mean_and_narrows_with_questions() -> None:
    few, many = used((6, 4), (4, 6)).utility, used((60, 40), (40, 60)).utility

    assert few.mean is not None
    assert few.low < few.mean < few.high
    assert many.high - many.low < few.high - few.low
    assert many.low > 0


def test_a_utility_is_about_what_independent_proportions_give() -> None:
    found = used((56, 14), (48, 32)).utility

    # Newcombe (1998), table II, method 10, gives 0.0524 to 0.3339 at 95 %; an interval of 90 % lies within.
    assert found.mean == pytest.approx(0.2, abs=0.01)
    assert (found.low, found.high) == (pytest.approx(0.075, abs=0.02), pytest.approx(0.312, abs=0.02))


def test_an_experience_is_harmful_only_with_confidence_and_enough_questions_on_each_side() -> None:
    assert is_harmful(used((1, 19), (15, 5)))
    assert not is_harmful(used((0, 200), (9, 0)))
    assert not is_harmful(used((0, 9), (200, 0)))
    assert not is_harmful(used((9, 11), (12, 8)))
    assert not is_harmful(used((0, 50)))


def test_an_experience_is_unhelpful_that_was_shown_often_and_does_not_raise_the_share_of_right_answers() -> (
    None
):
    assert is_unhelpful(used((3, 9)))
    assert not is_unhelpful(used((9, 3)))
    assert is_unhelpful(used((10, 10), (10, 10)))
    assert not is_unhelpful(used((2, 7)))
    assert not is_unhelpful(used((10, 2)))


def test_nothing_goes_within_the_bound() -> None:
    found = survey(standing("a", made=0), standing("b", used((0, 9))), experiences=2)

    assert not is_over(found)
    assert overflow(found).removals == ()


def test_the_old_and_never_retrieved_go_first_then_the_lowest_upper_bound() -> None:
    found = survey(
        standing("good", used((30, 1), (1, 30))),
        standing("bad", used((1, 30), (30, 1))),
        standing("idle", made=NOW - OLD),
        standing("young", made=NOW - OLD + 1),
        experiences=0,
    )

    assert gone(found)[:2] == ["idle", "bad"]


def test_of_equals_the_oldest_goes_first() -> None:
    assert gone(survey(standing("a"), standing("b"), standing("c"), experiences=2)) == ["a"]


def test_tokens_are_bounded_too() -> None:
    long = standing("a", content="word " * 100)
    found = survey(long, standing("b"), tokens=tokens_of(standing("b")))

    assert gone(found) == ["a"]


def test_what_is_pinned_stays_and_is_told_where_it_is_too_much() -> None:
    found = survey(standing("a", pinned=True), standing("b", pinned=True), standing("c"), experiences=1)

    assert gone(found) == ["c"]
    assert "2 pinned experiences alone" in (overflow(found).problem or "")


def test_a_removal_says_why() -> None:
    (idle, used_up) = overflow(
        survey(standing("a", made=0), standing("b", used((0, 30), (30, 0))), experiences=0)
    ).removals

    assert idle.why == "bound of 0 experiences and 20000 tokens: never retrieved since revision 0"
    assert "its utility is at most -0." in used_up.why


@given(
    drawn=st.lists(
        st.tuples(
            st.booleans(), st.integers(0, NOW), st.integers(0, 30), st.integers(0, 30), st.integers(1, 60)
        ),
        max_size=12,
    ),
    experiences=st.integers(0, 12),
    tokens=st.integers(0, 400),
)
def test_afterwards_a_bank_is_within_its_bound_or_only_what_is_pinned_is_left(
    drawn: list[tuple[bool, int, int, int, int]], experiences: int, tokens: int
) -> None:
    standings = [
        standing(f"e{n:02d}", used((right, wrong)), made=made, pinned=pinned, content="x" * size)
        for n, (pinned, made, right, wrong, size) in enumerate(drawn)
    ]
    found = overflow(survey(*standings, experiences=experiences, tokens=tokens))

    out = {removal.experience_id for removal in found.removals}
    left = [s for s in standings if s.experience.id not in out]
    over = is_over(survey(*left, experiences=experiences, tokens=tokens))
    assert over == (found.problem is not None)
    assert not over or all(s.experience.pinned for s in left)
    assert all(not s.experience.pinned for s in standings if s.experience.id in out)
