"""Near-duplicates that contradict each other are told apart from those that say the same."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ted.bank.conflicts import conflicting
from tests.planted import CONFLICTS, GROUPS, Text


def joined(text: Text) -> str:
    return "\n".join(text)


@pytest.mark.parametrize(("a", "b"), CONFLICTS, ids=lambda text: text[1][:40])
def test_planted_conflicts_conflict_both_ways(a: Text, b: Text) -> None:
    assert conflicting(joined(a), joined(b))
    assert conflicting(joined(b), joined(a))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0][0][:40])
def test_planted_paraphrases_do_not_conflict(group: tuple[Text, Text, Text]) -> None:
    assert [(a, b) for a, b in combinations(group, 2) if conflicting(joined(a), joined(b))] == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Send to queue QX-417", "Route it to queue QX-417"),
        ("Wait three minutes", "Wait 3 minutes"),
        ("Pay 1,000 euros", "Pay 1000 euros"),
        ("Round to 2.0", "Round to 2"),
        ("It takes 10min", "It takes 10 minutes"),
        ("Do NOT open it", "Never open it"),
        ("Don\u2019t open it", "Do not open it"),
        ("Do not ship without a form", "Ship only with a form"),
        ("Do not enable it", "Disable it"),
        ("Not only the lid, but the box is red", "The lid and the box are red"),
        ("Use the VPN", "Use the vpn"),
        ("The answer is 'blue'", "The answer is blue"),
        ("The code is qx-417", "The code is QX-417"),
        ("Turn it off", "Switch it off"),
    ],
)
def test_the_same_in_other_words_does_not_conflict(a: str, b: str) -> None:
    assert not conflicting(a, b)
    assert not conflicting(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Send to QX-417", "Send to the queue"),
        ("Use v2.1", "Use v2.10"),
        ("Call `load_all`", "Call `load_one`"),
        ("Use camelCase", "Use snake_case"),
        ("Wait 3 minutes", "Wait 3 hours"),
        ("Wait two days", "Wait three days"),
        ("Open on Monday", "Open on Sunday"),
        ("The valve can be opened", "The valve can't be opened"),
        ("Not without a form", "Without a form"),
        ("Do not enable it", "Enable it"),
        ("Give it once a day", "Give it twice a day"),
        ("a fault is reported\nrestart it", "no fault is reported\ndo not restart it"),
    ],
)
def test_a_difference_of_fact_or_polarity_conflicts(a: str, b: str) -> None:
    assert conflicting(a, b)
    assert conflicting(b, a)


@given(st.text(), st.text())
def test_it_is_symmetric_and_nothing_conflicts_with_itself(a: str, b: str) -> None:
    assert conflicting(a, b) == conflicting(b, a)
    assert not conflicting(a, a)
