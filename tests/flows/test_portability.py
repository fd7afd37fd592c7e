"""Where a bank's experiences were made with another student, it is told once, with what to do about it."""

from __future__ import annotations

import asyncio

from ted.answering import answer
from ted.bank.bank import Bank
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.changes import Change
from ted.bank.figures import bank_figures
from ted.bank.listings import Listings
from ted.bank.portability import MadeFor
from ted.chat import ScriptedChat
from ted.cli.output import answer_json, answer_text
from ted.operations import Add
from ted.profile import COMPACT
from ted.sample import Question
from ted.student import Student
from tests.stores import Store, added, apply

QUESTION = Question("Which queue takes a jammed printer?")


async def made_with(bank: Bank, student: str) -> None:
    change = Change(Add(QUESTION.text, "Queue FX-31."), provenance={"student": student})
    await apply(bank, change)


async def asked(store: Store, bank: Bank, student: str) -> tuple[object, str]:
    model = Student(ScriptedChat(lambda request: "FX-31", name=student), COMPACT)
    given = await answer(QUESTION, bank=bank, student=model, answers=store.answers, calls=store.calls)
    return answer_json(given)["notice"], answer_text(given)


async def test_another_student_is_told_once_and_named_the_evaluation(store: Store, bank: Bank) -> None:
    await made_with(bank, "small")
    await made_with(bank, "small")

    notice, shown = await asked(store, bank, "tiny")

    assert notice == (
        "experiences of this bank were made with small, but tiny uses them: measure whether they help it with "
        f"`ted evaluate {bank.id} EVAL.jsonl --student tiny --arms none,retrieve`"
    )
    assert shown.count("were made with small") == 1


async def test_the_same_student_and_what_was_made_by_hand_are_not_worth_a_word(
    store: Store, bank: Bank
) -> None:
    await made_with(bank, "small")
    await added(bank, QUESTION.text, "Queue FX-31, by hand.")

    notice, shown = await asked(store, bank, "small")

    assert notice is None
    assert "evaluate" not in shown


async def test_a_bank_shows_whom_its_experiences_were_made_with(store: Store, bank: Bank) -> None:
    await made_with(bank, "small")
    await made_with(bank, "small")
    await added(bank, "A cable is torn.", "Queue CA-1.")

    details = await asyncio.to_thread(Listings(store.database, DEFAULT_CALLER).bank, bank.id)
    figures = await bank_figures(bank, student="tiny")

    assert details.students == (MadeFor("small", 2), MadeFor(None, 1))
    assert figures["students"] == [
        {"student": "small", "experiences": 2},
        {"student": None, "experiences": 1},
    ]
    assert "made with small, but tiny uses them" in figures["notice"]
    assert (await bank_figures(bank, student="small"))["notice"] is None
