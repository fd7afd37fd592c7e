"""Teachers for compressions, banks with planted experiences, and what must hold of a bank afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import select

from index.protocols import TextEmbedder
from ted.bank.bank import Bank
from ted.bank.changes import Change, Occasion
from ted.bank.tables import ExperienceRow, HistoryRow, LineageRow
from ted.bank.usage import Asked, record_exposures
from ted.chat import ChatRequest, ScriptedChat
from ted.compression.bound import is_over
from ted.compression.flow import compress
from ted.compression.result import CompressionResult, Moment
from ted.experience import Experience, Key, Retrieval, Retrieved, Similarity
from ted.ids import new_id
from ted.operations import Add
from ted.profile import FULL
from ted.sample import Question
from ted.teacher import Teacher
from tests.planted import Text
from tests.stores import Store

SHOWN = re.compile(r"^\d+\. When: (.*) Then: (.*)$", re.MULTILINE)


def texts_in(request: ChatRequest) -> list[Text]:
    """The experiences that a merge prompt shows."""
    return [(when, then) for when, then in SHOWN.findall(request.messages[1].text)]


def merging(*texts: Text) -> str:
    """A reply that puts these in place of a cluster."""
    return json.dumps(
        {"decision": "merge", "experiences": [{"when_to_use": w, "content": c} for w, c in texts]}
    )


DISTINCT = json.dumps({"decision": "distinct", "experiences": []})


def first_of(request: ChatRequest) -> str:
    """Merges every cluster into its first text."""
    return merging(texts_in(request)[0])


def teacher(script: Callable[[ChatRequest], str] | str) -> ScriptedChat:
    """A teacher that follows a script, or says one thing always."""
    said = script if callable(script) else lambda request: script
    return ScriptedChat(said, name="large")


async def compressed(
    bank: Bank, model: ScriptedChat, *, moment: Moment | None = None, dry_run: bool = False
) -> CompressionResult:
    """A compression of its own, without a ledger."""
    moment = moment or Moment(new_id("job"))
    return await compress(bank, Teacher(model, FULL), moment=moment, dry_run=dry_run)


async def plant(bank: Bank, texts: Iterable[Text], *, questions: Sequence[str] = ()) -> list[Experience]:
    """Adds these experiences in one revision; each is keyed by the questions, too."""
    before = {e.id for e in bank.experiences(status=None)}
    keys = tuple(Key("question", q) for q in questions)
    await bank.apply([Change(Add(*text), keys) for text in texts], Occasion("by hand"))
    return [e for e in bank.experiences() if e.id not in before]


def bank_of(store: Store, embedder: TextEmbedder, name: str = "desk") -> Bank:
    """A new bank of this store with another embedder than the store's."""
    return Store(store.database, embedder, None).create(name)


def bounded(bank: Bank, *, experiences: int = 200, tokens: int = 20_000) -> None:
    """Gives the bank another bound."""
    with bank.database.writing() as session:
        row = bank._row(session)
        row.max_experiences, row.max_tokens = experiences, tokens


def asked_with(bank: Bank, experience: Experience, *outcomes: float, origin: str = "job_x:0") -> None:
    """Shows an experience for as many questions, with these outcomes."""
    retrieved = (Retrieved(experience, Similarity(0.5), "E1"),)
    for n, outcome in enumerate(outcomes):
        asked = Asked(f"{origin}:s{n}", "distillation", Question(f"Question {n}?"), outcome)
        with bank.database.writing() as session:
            row = bank._row(session)
            record_exposures(session, row, asked, Retrieval(retrieved, 1, False), cited={}, verdicts={})


def lost(bank: Bank) -> list[str]:
    """Experiences that are neither active, nor held back for a review, nor retired with a child of this bank or a reason."""
    with bank.database.reading() as session:
        rows = session.scalars(select(ExperienceRow).where(ExperienceRow.bank_id == bank.id)).all()
        here = {row.id for row in rows}
        children = {line.parent_id for line in session.scalars(select(LineageRow)) if line.child_id in here}
        reasons = {
            h.experience_id
            for h in session.scalars(select(HistoryRow).where(HistoryRow.operation == "remove"))
            if h.provenance.get("why")
        }
        return [
            row.id
            for row in rows
            if row.status not in ("active", "quarantined")
            and not (row.status == "retired" and (row.id in children or row.id in reasons))
        ]


def over(bank: Bank) -> bool:
    """Whether the bank is beyond its bound."""
    from ted.bank.compressing import CompressionStore

    return is_over(CompressionStore(bank.database).survey(bank.id))
