"""A bank in which everything has happened, its file, and how lines of a file are changed for a test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from ted.bank.bank import Bank
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.changes import Change, Occasion, SetPinned
from ted.bank.compressing import CompressionStore
from ted.bank.embedding import Embedders
from ted.bank.exporting import export_lines
from ted.bank.importing import Imported, OnConflict, import_bank
from ted.bank.usage import Asked, record_exposures
from ted.experience import Key
from ted.images import ImageLimits, read_image
from ted.operations import Add, Merge, Remove, Rewrite
from ted.sample import Image, Question
from tests.drawings import draw
from tests.stores import Store, added, apply

QUESTIONS = (
    Question("A printer is jammed: which queue?"),
    Question("The badge was lost in the garage."),
    Question("Where does a refund of an invoice go?"),
)


def picture(seed: int) -> Image:
    """A drawing that is an image of a question."""
    return read_image(draw("red", "circle", seed=seed), declared="image/png", limits=ImageLimits())


async def lived_in(store: Store, name: str = "desk") -> Bank:
    """A bank with additions, a rewrite, a merge, a removal, a pin, keys of images, usage and a refusal."""
    bank = store.create(name)
    printer = await added(bank, "A printer does not print.", "Queue FX-31.", QUESTIONS[0].text)
    badge = await added(bank, "A badge is lost.", "Queue BA-2: ask for «proof».", tags=("front desk",))
    other = await added(bank, "A badge cannot be found.", "Queue BA-2, proof needed.", QUESTIONS[1].text)
    refund = await added(bank, "A refund is wanted.", "Queue RE-9.")
    shape = picture(1)
    await bank.apply(
        [Change(Add("A red circle is shown.", "It is ZO-7."), (Key("image", image_sha256=shape.sha256),))],
        Occasion("distillation", "job_1", 0, 0),
        images=[shape],
        notes={"sample": "s1"},
    )
    for question, outcome in zip(QUESTIONS, (1.0, 0.5, None), strict=True):
        await exposed(bank, question, outcome)
    await apply(bank, Change(Rewrite(printer.id, "A printer is jammed or offline.", "Queue FX-31.")))
    await apply(bank, Change(Merge((badge.id, other.id), "A badge is gone.", "Queue BA-2 with proof.")))
    await apply(bank, Change(Remove(refund.id)), Change(SetPinned(printer.id, True)))
    await exposed(bank, Question("The printer is jammed again."), 0.25)
    refusal = {f"{badge.id}@1+{refund.id}@1": "they are distinct"}
    CompressionStore(store.database).remember(bank.id, refusal)
    return bank


async def exposed(bank: Bank, question: Question, outcome: float | None) -> None:
    """The question is asked and graded."""
    retrieval = await bank.retrieve(question)
    cited = {r.experience.id: r.label == "E1" for r in retrieval.retrieved}
    with bank.database.writing() as session:
        asked = Asked(
            f"ans_{hashlib.sha256(question.text.encode()).hexdigest()[:8]}", "answer", question, outcome
        )
        record_exposures(session, bank._row(session), asked, retrieval, cited=cited, verdicts={})


def exported(store: Store, bank: str = "desk") -> list[bytes]:
    """The lines of the bank's file."""
    with store.database.reading() as session:
        return list(export_lines(session, store.banks.find(bank)))


def imported(
    store: Store,
    lines: list[bytes],
    *,
    name: str | None = None,
    on_conflict: OnConflict = "refuse",
    dry_run: bool = False,
) -> Imported:
    """The lines, read into the store."""
    return import_bank(
        lines,
        database=store.database,
        caller=DEFAULT_CALLER,
        embedders=Embedders(store.text_embedder, store.image_embedder),
        name=name,
        on_conflict=on_conflict,
        dry_run=dry_run,
    )


def said(line: bytes) -> dict[str, Any]:
    """What a line says, without its checksum."""
    whole: dict[str, Any] = json.loads(line)
    del whole["sum"]
    return whole


def forged(
    lines: list[bytes], kind: str, change: Callable[[dict[str, Any]], object]
) -> tuple[int, list[bytes]]:
    """The first line of the kind changed by somebody who sets the checksum right; its number, and the file."""
    at = next(n for n, line in enumerate(lines) if said(line)["line"] == kind)
    whole = said(lines[at])
    change(whole)
    return at + 1, [*lines[:at], summed(at + 1, whole), *lines[at + 1 :]]


def summed(number: int, whole: dict[str, Any]) -> bytes:
    """The line of this number that says so, under its checksum."""
    told = f"{number}:{json.dumps(whole, sort_keys=True)}"
    checked = whole | {"sum": hashlib.sha256(told.encode()).hexdigest()[:16]}
    return json.dumps(checked).encode() + b"\n"
