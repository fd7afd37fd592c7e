"""The teacher in the student's place: when it is asked, what is told and paid, and what such an answer counts as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from ted.answer import Answer
from ted.answering import answer
from ted.bank.bank import Bank
from ted.bank.banks import BankSettings
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.feedback import Feedback, FeedbackStore
from ted.bank.job_tables import CallRow
from ted.bank.spending import spending
from ted.bank.tables import ExposureRow
from ted.bank.usage import usage_of
from ted.chat import ChatRequest, ScriptedChat
from ted.errors import BadSetting, ModelTimeout
from ted.profile import FULL
from ted.sample import Question
from ted.settings import CascadeSettings, TrialSettings
from ted.student import Student
from tests.scripted import attempt, call_of
from tests.stores import Store, added

pytestmark = pytest.mark.each_store

DOOR = Question("Which code has the red door?")
ON = CascadeSettings("on_disagreement")


def saying(*answers: str, name: str = "small", usd: float | None = 0.001) -> Student:
    """A model that gives these answers by the numbers of its calls."""

    def script(request: ChatRequest) -> str:
        return attempt(answers[call_of(request).number], used=["E1"])

    return Student(ScriptedChat(script, name=name, usd_per_token=usd), FULL)


def requests(model: Student) -> list[ChatRequest]:
    chat = model.chat
    assert isinstance(chat, ScriptedChat)
    return chat.requests


async def answered(store: Store, bank: Bank, model: Student, **how: Any) -> Answer:
    told: dict[str, Any] = {"teacher": saying("RX-1", name="large"), "cascade": ON, **how}
    return await answer(DOOR, bank=bank, student=model, answers=store.answers, calls=store.calls, **told)


async def test_where_two_of_three_agree_the_student_answers(store: Store, bank: Bank) -> None:
    model, teacher = saying("RX-2", "RX-1", "rx-1."), saying(name="large")

    given = await answered(store, bank, model, teacher=teacher)

    assert (given.final_answer, given.escalated, given.model) == ("RX-1", False, "small")
    assert {request.temperature for request in requests(model)} == {0.7}
    assert len({request.seed for request in requests(model)}) == 3
    assert requests(teacher) == []
    kept = store.answers.get(given.id)
    assert kept.cascaded == given.cascaded
    assert kept.cascaded is not None
    assert (kept.cascaded.answers, kept.cascaded.agreement) == (
        ("RX-2", "RX-1", "rx-1."),
        pytest.approx(2 / 3),
    )
    assert (kept.escalated, kept.answered_by, kept.usage) == (False, "small", kept.cascaded.student_usage)


async def test_below_that_the_teacher_answers_alone_and_both_are_paid_for(store: Store, bank: Bank) -> None:
    await added(bank, "A red door", "Its code is RX-1.", DOOR.text)
    model, teacher = saying("1", "2", "3"), saying("RX-1", name="large", usd=0.01)

    given = await answered(store, bank, model, teacher=teacher)

    assert (given.final_answer, given.escalated) == ("RX-1", True)
    (asked,) = requests(teacher)
    assert (asked.temperature, "RX-1" in asked.messages[-1].text) == (0.0, False)
    assert all("Its code is RX-1." in request.messages[-1].text for request in requests(model))
    kept = store.answers.get(given.id)
    assert (kept.answered_by, kept.model, kept.escalated) == ("large", "small", True)
    assert kept.cascaded is not None
    assert kept.cascaded.teacher_usage is not None
    costs = kept.cascaded.student_usage.cost_usd, kept.cascaded.teacher_usage.cost_usd
    assert kept.usage.cost_usd == pytest.approx(sum(cost or 0.0 for cost in costs))
    with store.database.reading() as session:
        spent = {s.role: (s.model, s.calls) for s in spending(session, CallRow.owner == given.id)}
    assert spent == {"student": ("small", 3), "teacher": ("large", 1)}


@pytest.mark.parametrize(
    ("threshold", "samples", "escalated"),
    [(0.0, 3, False), (0.33, 3, False), (0.5, 4, False), (0.51, 4, True), (0.67, 3, True), (1.0, 2, True)],
)
async def test_the_threshold_is_the_share_that_must_agree(
    store: Store, bank: Bank, threshold: float, samples: int, escalated: bool
) -> None:
    settings = CascadeSettings("on_disagreement", samples, threshold)
    answers = ("1", "2", "3") if samples == 3 else ("1", "2", "1", "3")

    given = await answered(store, bank, saying(*answers), cascade=settings)

    assert (given.escalated, given.cascaded is not None) == (escalated, True)


async def test_an_answer_of_the_teacher_is_no_exposure_and_its_outcome_nobodys(
    store: Store, bank: Bank
) -> None:
    known = await added(bank, "A red door", "Its code is RX-1.", "Which code has the green door?")
    escalated = await answered(store, bank, saying("1", "2", "3"))
    agreed = await answered(store, bank, saying("RX-1", "RX-1", "RX-1"))
    feedback = FeedbackStore(store.database, DEFAULT_CALLER)

    on_teacher = feedback.give(Feedback(escalated.id, 0.0))
    on_student = feedback.give(Feedback(agreed.id, 1.0))

    assert (on_teacher.exposures, on_student.exposures) == (0, 1)
    with store.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ExposureRow)) == 1
        usage = usage_of(session, bank.id)[known.id]
    assert (usage.shown_correct, usage.shown_wrong, usage.cited) == (1.0, 0.0, 1)


async def test_chance_leaves_nothing_out_for_a_cascade(store: Store, bank: Bank) -> None:
    await added(bank, "A red door", "Its code is RX-1.", "Which code has the green door?")
    store.banks.change(bank.id, lambda s: replace(s, trials=TrialSettings(when="always", control_rate=0.5)))

    given = [await answered(store, bank, saying("RX-1", "RX-1", "RX-1")) for _ in range(12)]

    assert all(g.retrieval.shown and g.trial.arm is None for g in given)
    assert {r.propensity for g in given for r in g.retrieval.retrieved} == {1.0}


async def test_the_bank_says_whether_what_was_escalated_is_harvested(store: Store, bank: Bank) -> None:
    def harvesting(settings: BankSettings) -> BankSettings:
        return replace(settings, cascade=replace(ON, harvest=True))

    silent = await answered(store, bank, saying("1", "2", "3"))
    store.banks.change(bank.id, harvesting)
    harvested = await answered(store, bank, saying("1", "2", "3"), cascade=None)
    agreed = await answered(store, bank, saying("1", "1", "3"), cascade=None)

    assert (silent.harvested, harvested.harvested, agreed.harvested) == (False, True, False)
    found = FeedbackStore(store.database, DEFAULT_CALLER).to_distil(bank.id)
    (sample,) = found.samples
    assert (sample.id, sample.question, sample.answer, sample.unlabelled) == (
        harvested.id,
        DOOR,
        "RX-1",
        True,
    )


async def test_nobody_escalates_to_a_teacher_that_is_not_there(store: Store, bank: Bank) -> None:
    model = saying("1", "2", "3")

    with pytest.raises(BadSetting, match="no teacher is configured: set TED_TEACHER"):
        await answered(store, bank, model, teacher=None)

    assert requests(model) == []
    plain = await answered(store, bank, saying("1"), teacher=None, cascade=CascadeSettings())
    assert (plain.final_answer, plain.cascaded) == ("1", None)


async def test_a_teacher_that_fails_fails_the_answer_and_what_was_answered_stays_paid(
    store: Store, bank: Bank
) -> None:
    def failing(request: ChatRequest) -> str:
        raise ModelTimeout("the teacher does not answer")

    teacher = Student(ScriptedChat(failing, name="large"), FULL)

    with pytest.raises(ModelTimeout):
        await answered(store, bank, saying("1", "2", "3"), teacher=teacher)

    with store.database.reading() as session:
        calls = (
            session.execute(select(CallRow.role, CallRow.outcome).order_by(CallRow.call_key)).tuples().all()
        )
    assert list(calls) == [("student", "ok")] * 3 + [("teacher", "failed")]


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"samples": 1}, {"threshold": 1.1}, {"escalate": "always"}, {"threshold": float("nan")}):
        with pytest.raises(BadSetting):
            CascadeSettings(**wrong)  # type: ignore[arg-type]
