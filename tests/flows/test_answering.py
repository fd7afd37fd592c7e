"""Answering: retrieve, ask, keep. What was shown can be read back, and its usage is counted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from ted.answer import Answer
from ted.answering import answer
from ted.bank.bank import Bank
from ted.bank.tables import ExposureRow, ImageRow
from ted.bank.usage import UsageStats, usage_of
from ted.chat import ScriptedChat
from ted.errors import BadInput, ModelTimeout, NotFound
from ted.experience import Experience
from ted.profile import COMPACT, FULL, Profile
from ted.sample import Image, Question
from ted.settings import RetrievalSettings
from ted.student import Student
from tests.drawings import draw
from tests.scripted import attempt
from tests.stores import Store, added

DOOR = Question("Which code has the red door?")
WIDE = RetrievalSettings(k=3, gap=2.0, min_similarity=-2.0)


@pytest.fixture
async def lessons(bank: Bank) -> list[Experience]:
    return [
        await added(bank, "A red door", "Its code is RX-1.", DOOR.text),
        await added(bank, "A red gate", "Its code is GX-2.", "Which code has the red gate?"),
        await added(bank, "A blue lamp", "Its switch is outside.", "Where is the switch of the blue lamp?"),
    ]


def student(text: str, profile: Profile = FULL) -> Student:
    return Student(ScriptedChat(lambda request: text, name="small", usd_per_token=0.001), profile)


def asked(model: Student) -> str:
    chat = model.chat
    assert isinstance(chat, ScriptedChat)
    (request,) = chat.requests
    return request.messages[1].text


async def answered(store: Store, bank: Bank, model: Student, question: Question = DOOR, **how: Any) -> Answer:
    return await answer(question, bank=bank, student=model, answers=store.answers, calls=store.calls, **how)


async def test_the_student_is_shown_what_was_found_and_its_answer_is_read(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    model = student(attempt("RX-1", used=["E1"]))

    given = await answered(store, bank, model)

    assert "E1. When: A red door Then: Its code is RX-1." in asked(model)
    assert asked(model).endswith(DOOR.text)
    assert (given.final_answer, given.model, given.mode) == ("RX-1", "small", "retrieve")
    assert given.retrieval.retrieved[0].experience.id == lessons[0].id
    assert given.cited()[lessons[0].id] is True
    assert given.latency.total >= given.latency.model


async def test_an_answer_is_kept_with_everything_that_explains_it(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    given = await answered(store, bank, student(attempt("RX-1")), settings=WIDE)

    kept = store.answers.get(given.id)

    assert (kept.question, kept.final_answer, kept.text) == (DOOR.text, "RX-1", given.text)
    assert (kept.retrieval.revision, kept.retrieval.abstained, kept.mode) == (3, False, "retrieve")
    shown = [(r.label, r.experience.id, r.experience.content) for r in kept.retrieval.retrieved]
    assert shown == [(r.label, r.experience.id, r.experience.content) for r in given.retrieval.retrieved]
    assert len(shown) == 3
    assert kept.usage.prompt_tokens == given.usage.prompt_tokens
    assert kept.usage.cost_usd == given.usage.cost_usd
    assert kept.created_at.utcoffset() is not None


async def test_exposures_are_written_for_what_was_shown(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    given = await answered(store, bank, student(attempt("RX-1", used=["E1"])), settings=WIDE)

    with store.database.reading() as session:
        rows = session.scalars(select(ExposureRow).order_by(ExposureRow.id)).all()
        usage = usage_of(session, bank.id)
    assert [row.experience_id for row in rows] == [r.experience.id for r in given.retrieval.retrieved]
    assert {(row.asked_as, row.origin, row.shown, row.propensity) for row in rows} == {
        (given.id, "answer", True, 1.0)
    }
    assert [row.cited for row in rows] == [True, False, False]
    assert [row.own_source for row in rows] == [True, False, False]
    assert [row.outcome for row in rows] == [None] * 3
    assert usage[lessons[0].id] == UsageStats(1, 1, 0, 1, 0.0, 0.0, 0.0, 0.0, 0, 0)


async def test_a_student_that_was_not_asked_what_it_used_cites_nothing(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    given = await answered(store, bank, student("RX-1", COMPACT))

    assert given.cited() == {}
    with store.database.reading() as session:
        assert {row.cited for row in session.scalars(select(ExposureRow))} == {None}


async def test_a_citation_counts_even_where_the_chain_has_no_conclusion(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    given = await answered(store, bank, student(attempt("RX-1", used=["E1"], conclusion="")))

    assert given.cited()[lessons[0].id] is True


async def test_nothing_is_shown_for_a_foreign_question(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    model = student(attempt("Holst"))

    given = await answered(store, bank, model, Question("Who composed a suite about planets?"))

    assert given.retrieval.abstained
    assert asked(model) == "Who composed a suite about planets?"
    assert store.answers.get(given.id).retrieval.abstained is True


async def test_the_mode_none_asks_the_student_alone(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    model = student(attempt("RX-1"))

    given = await answered(store, bank, model, mode="none")

    assert asked(model) == DOOR.text
    assert (given.retrieval.retrieved, given.retrieval.abstained) == ((), False)
    assert given.retrieval.revision == 3


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        (RetrievalSettings(k=1, gap=2.0, min_similarity=-2.0), 1),
        (RetrievalSettings(k=2, gap=2.0, min_similarity=-2.0), 2),
        (RetrievalSettings(k=3, gap=2.0, min_similarity=-2.0, token_budget=8), 1),
        (RetrievalSettings(k=3, gap=0.01, min_similarity=-2.0), 1),
    ],
)
async def test_k_gap_and_budget_bound_what_is_shown(
    store: Store, bank: Bank, lessons: list[Experience], settings: RetrievalSettings, shown: int
) -> None:
    model = student(attempt("RX-1"))

    await answered(store, bank, model, settings=settings)

    assert asked(model).count(" Then: ") == shown


async def test_images_are_content_parts_and_are_kept(pictured: Store) -> None:
    bank = pictured.create()
    image = Image("red", "image/png", draw("red", "circle", seed=1))
    chat = ScriptedChat(lambda request: attempt("a circle"))

    given = await answered(pictured, bank, Student(chat, FULL), Question("What is shown?", (image, image)))

    assert chat.requests[0].messages[1].parts == (image, image, "What is shown?")
    assert pictured.answers.get(given.id).image_hashes == ("red", "red")
    with pictured.database.reading() as session:
        assert session.scalars(select(ImageRow.sha256)).all() == ["red"]


async def test_a_reply_that_does_not_parse_is_the_answer_as_it_is(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    given = await answered(store, bank, student("  RX-1, I think.  "))

    assert (given.final_answer, given.attempt, given.cited()) == ("RX-1, I think.", None, {})


async def test_an_answer_asked_for_again_under_its_id_is_paid_and_kept_once(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    model = student(attempt("RX-1"))

    first, again = [await answered(store, bank, model, answer_id="ans_1") for _ in range(2)]

    assert (again.text, again.usage) == (first.text, first.usage)
    assert DOOR.text in asked(model)  # which sees to it that there was one request
    assert store.calls.spent("ans_1").calls == 1
    with store.database.reading() as session:
        assert usage_of(session, bank.id)[lessons[0].id].shown == 1


@pytest.mark.parametrize("text", ["", " \n\t "])
async def test_an_empty_question_is_refused_before_anything_is_asked(
    store: Store, bank: Bank, text: str
) -> None:
    model = student(attempt("?"))

    with pytest.raises(BadInput, match="the question is empty"):
        await answered(store, bank, model, Question(text))

    assert isinstance(model.chat, ScriptedChat)
    assert model.chat.requests == []


async def test_a_model_that_fails_leaves_no_answer_and_no_usage(
    store: Store, bank: Bank, lessons: list[Experience]
) -> None:
    def down(request: object) -> str:
        raise ModelTimeout("no answer within 120 s")

    with pytest.raises(ModelTimeout):
        await answered(store, bank, Student(ScriptedChat(down), FULL), answer_id="ans_x")

    with pytest.raises(NotFound, match="no answer 'ans_x'"):
        store.answers.get("ans_x")
    with store.database.reading() as session:
        assert session.scalars(select(ExposureRow)).all() == []
