"""`ted ask`: one question to the student, with what the bank has for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ted.answering import answer
from ted.cli import output
from ted.cli.cascade import changes
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import (
    AsJson,
    BankName,
    EscalateOption,
    ModeOption,
    ProfileOption,
    SamplesOption,
    StudentName,
    TeacherName,
    ThresholdOption,
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
    teacher: TeacherName = None,
    mode: ModeOption = "retrieve",
    profile: ProfileOption = "full",
    escalate: EscalateOption = None,
    samples: SamplesOption = None,
    threshold: ThresholdOption = None,
    json: AsJson = False,
) -> None:
    """Ask the student, with what the bank has for the question; the teacher instead, where a cascade is on (by these
    options, or else the bank's) and the student's answers disagree."""
    wanted = changes(escalate, samples, threshold)
    pictures = tuple(from_path(path, limits=ImageLimits()) for path in image or [])
    with opened() as ted:
        opened_bank = ted.bank(bank)
        form = PROFILES[profile_named(profile)]
        model = Student(ted.student(student), form)
        cascade = replace(opened_bank.record.cascade, **wanted)
        large = Student(ted.teacher(teacher), form) if teacher or ted.has_teacher else None
        given = asyncio.run(
            answer(
                Question(question, pictures),
                bank=opened_bank,
                student=model,
                answers=ted.answers,
                calls=ted.calls,
                mode=mode_named(mode),
                teacher=large,
                cascade=cascade,
            )
        )
        output.emit(output.answer_json(given), output.answer_text(given), json)
