"""Exposures and the counters derived from them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from ted.bank.bank import Bank
from ted.bank.changes import Change
from ted.bank.tables import ExposureRow
from ted.bank.usage import (
    Asked,
    UsageStats,
    is_own_source,
    record_exposures,
    regrade,
    usage_from_exposures,
    usage_of,
)
from ted.bank.utility import UNKNOWN
from ted.experience import Experience, Key, Retrieval, Retrieved, Similarity
from ted.operations import Rewrite
from ted.sample import Image, Question
from ted.trajectory import Verdict
from tests.blanks import Blank
from tests.stores import Store, added, apply

pytestmark = pytest.mark.each_store

ELSEWHERE = Question("Something else entirely?")


def retrieval_of(*experiences: Experience) -> Retrieval:
    retrieved = (Retrieved(e, Similarity(0.5), f"E{n}") for n, e in enumerate(experiences, 1))
    return Retrieval(tuple(retrieved), 1, abstained=not experiences)


def expose(
    bank: Bank,
    asked: Asked,
    *experiences: Experience,
    cited: Mapping[str, bool] | None = None,
    verdicts: Mapping[str, Verdict] | None = None,
) -> None:
    with bank.database.writing() as session:
        row = bank._row(session)
        record_exposures(
            session, row, asked, retrieval_of(*experiences), cited=cited or {}, verdicts=verdicts or {}
        )


def usage(bank: Bank) -> dict[str, UsageStats]:
    """From the counters, once it is sure that the rows say the same."""
    with bank.database.reading() as session:
        counted, derived = usage_of(session, bank.id), usage_from_exposures(session, bank.id)
    assert counted.keys() == derived.keys()
    for experience_id, stats in counted.items():
        told = {name: getattr(stats, name) for name in UsageStats.__slots__}
        same = {name: getattr(derived[experience_id], name) for name in UsageStats.__slots__}
        assert told == pytest.approx(same)
    return counted


async def test_an_exposure_moves_every_counter_it_bears_on(bank: Bank) -> None:
    one, other = await added(bank, "A door", "Ring."), await added(bank, "A gate", "Knock.")

    expose(
        bank,
        Asked("job:0:s1", "distillation", ELSEWHERE, 0.6),
        one,
        other,
        cited={one.id: True, other.id: False},
        verdicts={one.id: "helpful", other.id: "harmful"},
    )

    found = usage(bank)
    assert found[one.id] == UsageStats(1, 1, 0, 1, 0.6, 0.4, 0.0, 0.0, 1, 0)
    assert found[other.id] == UsageStats(1, 1, 0, 0, 0.6, 0.4, 0.0, 0.0, 0, 1)


async def test_an_exposure_is_counted_once_however_often_it_is_told(bank: Bank) -> None:
    one, other = await added(bank, "A door", "Ring."), await added(bank, "A gate", "Knock.")
    asked = Asked("ans_1", "answer", ELSEWHERE, 1.0)

    expose(bank, asked, one)
    expose(bank, asked, one, other)

    assert {i: s.retrieved for i, s in usage(bank).items()} == {one.id: 1, other.id: 1}


async def test_an_ungraded_exposure_is_shown_but_neither_right_nor_wrong(bank: Bank) -> None:
    one = await added(bank, "A door", "Ring.")

    expose(bank, Asked("ans_1", "answer", ELSEWHERE), one)

    assert usage(bank)[one.id] == UsageStats(1, 1, 0, 0, 0.0, 0.0, 0.0, 0.0, 0, 0)


async def test_the_outcome_on_an_own_source_question_never_counts(bank: Bank) -> None:
    one = await added(bank, "A door", "Ring.", "How do I get in?")

    expose(bank, Asked("job:1:s1", "distillation", Question("How do I get in?"), 1.0), one)

    stats = usage(bank)[one.id]
    assert (stats.retrieved, stats.shown_correct, stats.shown_wrong) == (1, 0.0, 0.0)
    assert stats.utility.mean is None


def drawn(*hashes: str) -> tuple[Image, ...]:
    return tuple(Image(sha256, "image/png", b"") for sha256 in hashes)


@pytest.mark.parametrize(
    ("keys", "question", "own"),
    [
        ((Key("question", "Which shape?"),), Question("Which shape?"), True),
        ((Key("question", "Which shape?"),), Question("Which shape then?"), False),
        ((Key("when_to_use", "Which shape?"),), Question("Which shape?"), False),
        (
            (Key("question", "Which shape?"), Key("image", image_sha256="a")),
            Question("Which shape?", drawn("a", "b")),
            True,
        ),
        (
            (Key("question", "Which shape?"), Key("image", image_sha256="a")),
            Question("Which shape?", drawn("b")),
            False,  # puzzles of one kind are all asked in the same words
        ),
        ((Key("question", "Which shape?"),), Question("Which shape?", drawn("b")), True),
    ],
)
def test_a_question_is_an_own_source_by_its_text_or_where_there_are_any_by_its_images(
    keys: tuple[Key, ...], question: Question, own: bool
) -> None:
    assert is_own_source(Experience("exp_1", 1, "when", "content", keys=keys), question) is own


async def test_a_rewrite_starts_at_zero_and_the_old_exposures_stay(bank: Bank) -> None:
    old = await added(bank, "A door", "Ring.")
    expose(bank, Asked("ans_1", "answer", ELSEWHERE, 1.0), old)

    await apply(bank, Change(Rewrite(old.id, "A gate", "Knock.")))
    assert usage(bank)[old.id].retrieved == 0

    expose(bank, Asked("ans_2", "answer", ELSEWHERE, 0.0), old)  # an answer that was under way
    assert usage(bank)[old.id].retrieved == 0
    expose(bank, Asked("ans_3", "answer", ELSEWHERE, 0.0), bank.experience(old.id))
    assert usage(bank)[old.id].shown_wrong == 1.0
    with bank.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ExposureRow)) == 3


def tossed(experience: Experience, *, shown: bool, propensity: float = 0.5) -> Retrieval:
    retrieved = Retrieved(experience, Similarity(0.5), "E1", shown, propensity)
    return Retrieval((retrieved,), 1, abstained=False)


async def test_utility_is_the_lift_of_showing_where_chance_decided(bank: Bank) -> None:
    one = await added(bank, "A door", "Ring.")
    for n in range(40):
        shown, right = n % 2 == 0, n % 8 != 1 and n % 8 != 3
        asked = Asked(f"ans_{n}", "answer", ELSEWHERE, float(right))
        with bank.database.writing() as session:
            row = bank._row(session)
            record_exposures(session, row, asked, tossed(one, shown=shown), cited={}, verdicts={})

    utility = usage(bank)[one.id].utility

    assert (utility.shown, utility.withheld) == (pytest.approx(20), pytest.approx(20))
    assert utility.mean == pytest.approx(21 / 22 - 11 / 22)
    assert 0 < utility.low < 0.5 < utility.high


async def test_what_was_always_shown_has_no_utility_however_often_it_was_right(bank: Bank) -> None:
    one = await added(bank, "A door", "Ring.")
    for n in range(40):
        expose(bank, Asked(f"ans_{n}", "answer", ELSEWHERE, 1.0), one)

    stats = usage(bank)[one.id]

    assert stats.shown_correct == 40
    assert stats.utility == UNKNOWN


async def test_a_replaced_grade_corrects_the_utility(bank: Bank) -> None:
    one = await added(bank, "A door", "Ring.")
    for n in range(20):
        with bank.database.writing() as session:
            asked = Asked(f"ans_{n}", "answer", ELSEWHERE, 1.0)
            found = tossed(one, shown=n % 2 == 0, propensity=0.5 + n / 50)
            record_exposures(session, bank._row(session), asked, found, cited={}, verdicts={})
    before = usage(bank)[one.id].utility

    with bank.database.writing() as session:
        for n in range(0, 20, 2):
            regrade(session, f"ans_{n}", 0.0)

    after = usage(bank)[one.id].utility
    assert before.mean is not None
    assert after.mean is not None
    assert before.low < 0 < before.high
    assert after.high < 0


exposures = st.lists(
    st.tuples(
        st.integers(0, 6),  # which question
        st.sets(st.integers(0, 2), max_size=3),  # which experiences it retrieves
        st.none() | st.sampled_from([0.0, 0.2, 0.4, 1.0]),
        st.dictionaries(st.integers(0, 2), st.booleans()),
        st.dictionaries(st.integers(0, 2), st.sampled_from(["helpful", "harmful", "neutral"])),
        st.none() | st.integers(0, 2),  # which experience is rewritten afterwards
    ),
    max_size=10,
)


@given(exposures)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counters_equal_what_the_exposures_add_up_to_in_all_mixes(blank: Blank, events: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        url = blank.copy(Path(folder))
        store = Store.at(url)
        asyncio.run(_live_through(store.create(), events))
        store.database.close()
        blank.drop(url)


async def _live_through(bank: Bank, events: list[Any]) -> None:
    sources = ["Question 0?", "Question 1?", "Question 2?"]
    ids = [(await added(bank, f"Case {n}", f"Do {n}.", sources[n])).id for n in range(3)]
    for number, retrieved, outcome, cited, verdicts, rewritten in events:
        expose(
            bank,
            Asked(f"ans_{number}", "answer", Question(f"Question {number}?"), outcome),
            *(bank.experience(ids[n]) for n in sorted(retrieved)),
            cited={ids[n]: value for n, value in cited.items()},
            verdicts={ids[n]: value for n, value in verdicts.items()},
        )
        if rewritten is not None:
            text = f"Case {rewritten} after {number}"
            await apply(bank, Change(Rewrite(ids[rewritten], text, "Do it.")))
    usage(bank)
