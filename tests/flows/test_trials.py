"""Answers in which chance has its part: what is left out, how it is told, and when the bank is bypassed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from ted.answer import Answer, Mode, Trial
from ted.answering import answer
from ted.bank.bank import Bank
from ted.bank.bypassing import comparison
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.feedback import Feedback, FeedbackStore
from ted.bank.tables import ExposureRow
from ted.bank.trials import LEAST_GRADED, RECOVERY_SHARE
from ted.bank.usage import usage_of
from ted.chat import ChatRequest, ScriptedChat
from ted.evaluation.arms import Arms
from ted.experience import Experience
from ted.grading.grading import Grading
from ted.profile import COMPACT
from ted.sample import Question, Sample
from ted.settings import RetrievalSettings, TrialSettings
from ted.student import Student
from tests.evaluating import evaluate
from tests.stores import Store, added

DOOR = Question("Which code has the red door?")
WIDE = RetrievalSettings(k=3, gap=2.0, min_similarity=-2.0)


@pytest.fixture
async def lessons(bank: Bank) -> list[Experience]:
    return [
        await added(bank, "A red door", "Its code is RX-1."),
        await added(bank, "A red gate", "Its code is GX-2."),
        await added(bank, "A blue lamp", "Its switch is outside."),
    ]


def student() -> Student:
    return Student(ScriptedChat(lambda request: "RX-1"), COMPACT)


def trying(store: Store, bank: Bank, **settings: Any) -> None:
    store.banks.change(bank.id, lambda s: replace(s, trials=TrialSettings(**settings)))


async def asked(
    store: Store, bank: Bank, number: int, model: Student | None = None, *, mode: Mode = "retrieve"
) -> Answer:
    return await answer(
        DOOR,
        bank=bank,
        student=model or student(),
        answers=store.answers,
        calls=store.calls,
        mode=mode,
        settings=WIDE,
        answer_id=f"ans_{number}",
    )


async def test_nothing_is_left_out_before_answers_are_graded(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    feedback = FeedbackStore(store.database, DEFAULT_CALLER)

    before = [await asked(store, bank, n) for n in range(LEAST_GRADED)]
    for given in before:
        feedback.give(Feedback(given.id, 1.0))
    after = [await asked(store, bank, 100 + n) for n in range(20)]

    assert all(len(given.retrieval.shown) == 3 for given in before)
    assert all(given.trial.arm is None for given in before)
    assert any(len(given.retrieval.shown) == 2 for given in after)


async def test_at_most_one_is_left_out_its_place_stays_empty_and_the_answer_tells(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    trying(store, bank, when="always", control_rate=0.0)

    given = [await asked(store, bank, n) for n in range(40)]

    out = [g for g in given if len(g.retrieval.shown) < 3]
    assert 8 <= len(out) <= 32  # of 40, one in two while nothing is known
    for one in out:
        (gone,) = [r for r in one.retrieval.retrieved if not r.shown]
        assert gone.propensity == pytest.approx(0.5 / (0.5 + 1 / 6))
        assert [r.label for r in one.retrieval.retrieved] == ["E1", "E2", "E3"]
        assert {r.propensity for r in one.retrieval.shown} == {1.0}
        kept = store.answers.get(one.id)
        assert [i for i, e in kept.exposures.items() if not e.shown] == [gone.experience.id]


async def test_what_is_withheld_is_not_in_the_prompt(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    trying(store, bank, when="always", control_rate=0.0)
    requests: list[ChatRequest] = []
    model = Student(ScriptedChat(lambda request: requests.append(request) or "RX-1"), COMPACT)  # type: ignore[func-returns-value]

    for n in range(12):
        given = await asked(store, bank, n, model)
        told = requests[-1].messages[1].text
        for r in given.retrieval.retrieved:
            assert (r.experience.content in told) == r.shown


async def test_the_same_answer_id_leaves_out_the_same(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    trying(store, bank, when="always", control_rate=0.3)
    first = [await asked(store, bank, n) for n in range(10)]

    again = [await asked(store, bank, n) for n in range(10)]

    assert [(g.trial, g.retrieval) for g in first] == [(g.trial, g.retrieval) for g in again]


async def test_a_control_answer_is_shown_nothing_and_says_nothing_of_single_experiences(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    trying(store, bank, when="always", control_rate=0.5)

    given = [await asked(store, bank, n) for n in range(30)]

    control = [g for g in given if g.trial.arm == "control"]
    assert 5 <= len(control) <= 25
    assert all(g.retrieval.shown == () and len(g.retrieval.retrieved) == 3 for g in control)
    assert {g.trial.propensity for g in given} == {0.5}
    with store.database.reading() as session:
        exposed = set(session.scalars(select(ExposureRow.asked_as)))
    assert exposed == {g.id for g in given if g.trial.arm == "bank"}


async def test_what_is_pinned_and_what_was_made_from_the_question_is_always_shown(
    store: Store, bank: Bank
) -> None:
    await added(bank, "A red door", "Its code is RX-1.", DOOR.text)
    trying(store, bank, when="always", control_rate=0.0)

    given = [await asked(store, bank, n) for n in range(20)]

    assert all(len(g.retrieval.shown) == 1 for g in given)
    assert all(g.retrieval.retrieved[0].propensity == 1.0 for g in given)


async def test_an_evaluation_leaves_nothing_out_and_counts_nothing(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    trying(store, bank, when="always", control_rate=0.5)
    samples = [Sample(f"s{n}", Question(f"Which code has the red door {n}?"), "RX-1") for n in range(12)]

    found = await evaluate(
        samples,
        job_id="job_1",
        arms=["retrieve"],
        asking=Arms(bank, student(), student(), Grading()),
    )

    assert all(row.experiences for row in found.rows)
    with store.database.reading() as session:
        assert {u.retrieved for u in usage_of(session, bank.id).values()} == {0}


async def test_who_asks_for_the_whole_bank_gets_the_whole_bank(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    trying(store, bank, when="always", control_rate=0.5)

    given = [await asked(store, bank, n, mode="all") for n in range(20)]

    assert {len(g.retrieval.shown) for g in given} == {len(lessons)}
    assert {g.trial for g in given} == {Trial()}
    with store.database.reading() as session:
        assert {u.retrieved for u in usage_of(session, bank.id).values()} == {0}


async def test_a_bank_that_hurts_is_bypassed_until_it_helps_again(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    trying(store, bank, when="always", control_rate=0.5, bypass="serve_without")
    feedback, number = FeedbackStore(store.database, DEFAULT_CALLER), 0

    async def until(raised: bool, *, right: str) -> None:
        """Answers are asked and graded until the alarm is as wanted; only those of one arm are right."""
        nonlocal number
        for _ in range(400):
            given = await asked(store, bank, number)
            feedback.give(Feedback(given.id, float(given.trial.arm == right)))
            number += 1
            with store.database.reading() as session:
                if comparison(session, bank.id).alarm is raised:
                    return
        raise AssertionError(f"the alarm never became {raised}")

    await until(True, right="control")
    bypassed = [await asked(store, bank, number + n) for n in range(40)]
    number += 40
    await until(False, right="bank")
    after = await asked(store, bank, number)

    assert all(g.trial.bypassed for g in bypassed)
    assert {g.trial.propensity for g in bypassed} == {RECOVERY_SHARE}
    assert 0 < sum(bool(g.retrieval.shown) for g in bypassed) < 15
    assert not after.trial.bypassed


async def test_an_alarm_alone_changes_no_answer(store: Store, bank: Bank, lessons: list[Experience]) -> None:
    trying(store, bank, when="off", bypass="alarm")
    with store.database.writing() as session:
        bank._row(session).alarm = {"raised": True, "since": "2026-01-01T00:00:00+00:00", "evidence": 20.0}

    alarmed = await asked(store, bank, 1)
    trying(store, bank, when="off", bypass="serve_without")
    bypassed = await asked(store, bank, 2)

    assert (len(alarmed.retrieval.shown), alarmed.trial.bypassed) == (3, False)
    assert (len(bypassed.retrieval.shown), bypassed.trial.bypassed) == (0, True)
