"""`ted ask`: one question to the student, with what the bank has for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ted.answering import answer
from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import (
    AsJson,
    BankName,
    ModeOption,
    ProfileOption,
    StudentName,
    mode_named,
    profile_named,
)
from ted.images import ImageLimits, from_path
from ted.profile import PROFILES
from ted.sample import Question
from ted.student import Student


@exit_on_errors
def ask(
    bank: BankName,
    question: str,
    image: Annotated[list[Path] | None, typer.Option(help="An image of the question.")] = None,
    student: StudentName = None,
    mode: ModeOption = "retrieve",
    profile: ProfileOption = "full",
    json: AsJson = False,
) -> None:
    """Ask the student, with what the bank has for the question."""
    pictures = tuple(from_path(path, limits=ImageLimits()) for path in image or [])
    with opened() as ted:
        opened_bank = ted.bank(bank)
        model = Student(ted.student(student), PROFILES[profile_named(profile)])
        given = asyncio.run(
            answer(
                Question(question, pictures),
                bank=opened_bank,
                student=model,
                answers=ted.answers,
                calls=ted.calls,
                mode=mode_named(mode),
            )
        )
        output.emit(output.answer_json(given), output.answer_text(given), json)
