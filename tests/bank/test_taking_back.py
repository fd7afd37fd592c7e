"""Whatever befalls a bank, and wherever it is cut off: store and index agree, and nothing that was said is lost."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from index.exact_index import ExactIndex
from index.faiss_index import FaissIndex
from index.vectors import from_bytes
from ted.bank.bank import Bank
from ted.bank.changes import Change, Edit, SetPinned, SetStatus, Unmerge
from ted.bank.key_index import SERVED
from ted.bank.states import states_at
from ted.bank.tables import EmbeddingRow, ExperienceRow, HistoryRow, KeyRow, RevisionRow
from ted.bank.usage import usage_from_exposures, usage_of
from ted.bank.versions import VersionStore, roll_back
from ted.bank.writer import Writer
from ted.errors import Conflict
from ted.experience import Experience, Key
from ted.operations import Add, Merge, Operation, Remove, Rewrite
from ted.sample import Question
from ted.settings import RetrievalSettings
from tests.blanks import Blank
from tests.compressing import asked_with
from tests.stores import Store, apply

WORDS = ("printer", "badge", "refund", "cable", "lamp")
EVERYTHING = RetrievalSettings(k=50, min_similarity=-2.0, gap=2.0, token_budget=1_000_000)
TEXT = st.tuples(st.sampled_from(WORDS), st.integers(0, 3)).map(lambda t: f"The {t[0]} of floor {t[1]}.")
PICK = st.integers(0, 1_000)


class Cut(Exception):
    """The power fails."""


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


class TakingBack(RuleBasedStateMachine):
    """A bank under any sequence of changes, cuts and restarts, against what its store says."""

    blank: ClassVar[Blank]

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.file = self.blank.copy(self.folder)
        self.store = Store.at(self.file)
        self.store.create()
        self.bank: Bank = self.store.open(new_index=FaissIndex)
        self.revision, self.asked = 0, 0
        self.ids: set[str] = set()
        self.texts: set[tuple[str, str]] = set()
        for number, word in enumerate(WORDS[:3]):
            self.add(f"The {word} fails.", f"Call {word}.", f"Whom to call for the {word}?")
            self.ask(number, 1.0)

    def teardown(self) -> None:
        self.store.database.close()
        self.blank.drop(self.file)
        shutil.rmtree(self.folder)

    def picked(self, pick: int, *, status: tuple[str, ...] | None = None) -> Experience | None:
        found = self.bank.experiences(status=status)
        return found[pick % len(found)] if found else None

    def change(self, operation: Operation | Edit | SetStatus | SetPinned | Unmerge, *keys: Key) -> None:
        run(apply(self.bank, Change(operation, keys)))
        self.revision += 1

    @rule(when=TEXT, content=TEXT, question=TEXT)
    def add(self, when: str, content: str, question: str) -> None:
        self.change(Add(when, content), Key("question", question))

    @rule(pick=PICK, when=TEXT, content=TEXT)
    def rewrite(self, pick: int, when: str, content: str) -> None:
        if one := self.picked(pick, status=SERVED):
            self.change(Rewrite(one.id, when, content))

    @rule(pick=PICK, other=PICK, when=TEXT, content=TEXT)
    def merge(self, pick: int, other: int, when: str, content: str) -> None:
        one, two = self.picked(pick, status=SERVED), self.picked(other, status=SERVED)
        if one and two:
            self.change(Merge((one.id, two.id), when, content))

    @rule(pick=PICK)
    def retire(self, pick: int) -> None:
        if one := self.picked(pick, status=SERVED):
            self.change(Remove(one.id))

    @rule(pick=PICK, status=st.sampled_from(("active", "candidate", "quarantined", "rejected")))
    def set_status(self, pick: int, status: Any) -> None:
        if one := self.picked(pick):
            self.change(SetStatus(one.id, status))

    @rule(pick=PICK, pinned=st.booleans())
    def pin(self, pick: int, pinned: bool) -> None:
        if one := self.picked(pick):
            self.change(SetPinned(one.id, pinned))

    @rule(pick=PICK, content=TEXT)
    def edit(self, pick: int, content: str) -> None:
        if one := self.picked(pick):
            self.change(Edit(one.id, content=content, tags=("edited",)))

    @rule(pick=PICK)
    def unmerge(self, pick: int) -> None:
        if one := self.picked(pick):
            try:
                self.change(Unmerge(one.id))
            except Conflict:
                assert self.bank.experience(one.id) == one

    @rule(pick=PICK)
    def name(self, pick: int) -> None:
        with suppress(Conflict):  # the name may be taken
            VersionStore(self.store.database).name(self.bank.id, f"v{pick}", pick % (self.revision + 1))

    @rule(pick=PICK)
    def back_anywhere(self, pick: int) -> None:
        self.back(pick % (self.revision + 1))

    @rule(steps=st.integers(1, 4))
    def back_a_little(self, steps: int) -> None:
        self.back(max(0, self.revision - steps))

    def back(self, to: int) -> None:
        done = run(roll_back(self.bank, to))
        self.revision += 1
        assert done.revision == self.revision
        compared = VersionStore(self.store.database).compare(self.bank.id, to)
        assert compared.difference.is_empty
        with self.store.database.reading() as session:
            then, now = (states_at(session, self.bank.id, r) for r in (to, self.revision))
        assert all(now[i].status == "retired" for i in now if i not in then)
        assert all(
            (s.status, s.keys, s.tags, s.pinned) == (now[i].status, now[i].keys, now[i].tags, now[i].pinned)
            for i, s in then.items()
        )

    @rule(pick=PICK, outcome=st.sampled_from((0.0, 0.5, 1.0)))
    def ask(self, pick: int, outcome: float) -> None:
        if one := self.picked(pick, status=SERVED):
            self.asked += 1
            asked_with(self.bank, one, outcome, origin=f"job_{self.asked}:0")

    @precondition(lambda self: self.revision > 0)
    @rule(pick=PICK, back=st.booleans())
    def cut_off(self, pick: int, back: bool) -> None:
        """All is written, but the transaction does not come to its end."""
        write = Writer.apply

        def cut(*args: Any, **kwargs: Any) -> Any:
            write(*args, **kwargs)
            raise Cut

        Writer.apply = cut  # type: ignore[method-assign]
        to = pick % (self.revision + 1)
        lost = roll_back(self.bank, to) if back else apply(self.bank, Change(Add("Lost", "at once")))
        try:
            with pytest.raises(Cut):
                run(lost)
        finally:
            Writer.apply = write  # type: ignore[method-assign]

    @rule()
    def reopen(self) -> None:
        self.store.database.close()
        self.store = Store.at(self.file)
        self.bank = self.store.open(new_index=FaissIndex)

    @rule()
    def drop_index(self) -> None:
        run(self.bank.reindex())

    @invariant()
    def search_equals_an_exact_reference(self) -> None:
        question = Question("Where is the printer of floor 1?")
        here = run(self.bank.retrieve(question, EVERYTHING))
        there = run(self.store.open(new_index=ExactIndex).retrieve(question, EVERYTHING))
        assert [r.experience for r in here.retrieved] == [r.experience for r in there.retrieved]
        assert np.allclose(
            [r.similarity.fused for r in here.retrieved],
            [r.similarity.fused for r in there.retrieved],
            atol=1e-5,
        )
        assert {r.experience.id for r in here.retrieved} == {e.id for e in self.bank.experiences()}
        assert here.revision == self.revision

    @invariant()
    def the_index_holds_what_served_keys_say(self) -> None:
        index = self.bank._retriever._keys
        with self.store.database.reading() as session:
            rows = session.execute(
                select(KeyRow.id, EmbeddingRow.vector)
                .join(ExperienceRow, ExperienceRow.id == KeyRow.experience_id)
                .join(EmbeddingRow, EmbeddingRow.key_id == KeyRow.id)
                .where(ExperienceRow.status.in_(SERVED))
                .order_by(KeyRow.id)
            ).all()
            all_keys = session.scalars(select(KeyRow.id)).all()
            vectors = session.scalars(select(EmbeddingRow.key_id)).all()
        held = sorted(number for keys in index._keys.values() for _, number in keys)
        assert held == [number for number, _ in rows]
        assert sorted(all_keys) == sorted(vectors)
        if held:
            dimension = self.store.text_embedder.dimension
            said = np.stack([from_bytes(vector, dimension) for _, vector in rows])
            np.testing.assert_array_equal(index._indexes["text"].vectors(held), said)

    @invariant()
    def nothing_is_lost_and_all_is_counted(self) -> None:
        with self.store.database.reading() as session:
            rows = {row.id: row for row in session.scalars(select(ExperienceRow))}
            history = session.scalars(select(HistoryRow).order_by(HistoryRow.id)).all()
            revisions = session.scalars(select(RevisionRow.revision).order_by(RevisionRow.revision)).all()
            assert usage_of(session, self.bank.id) == usage_from_exposures(session, self.bank.id)
        assert self.bank.record.revision == self.revision
        assert list(revisions) == list(range(1, self.revision + 1))
        self.texts |= {(row.when_to_use, row.content) for row in rows.values()}
        assert self.ids <= set(rows) == {h.experience_id for h in history}
        self.ids = set(rows)
        assert self.texts <= {(h.when_to_use, h.content) for h in history}
        newest = {h.experience_id: h for h in history}
        assert all(
            (h.version, h.when_to_use, h.content, h.status, h.pinned, h.tags)
            == (r.version, r.when_to_use, r.content, r.status, r.pinned, r.tags)
            for r in rows.values()
            for h in (newest[r.id],)
        )


def test_any_sequence_of_changes_can_be_taken_back(blank: Blank) -> None:
    TakingBack.blank = blank
    bounded = settings(
        max_examples=20,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(TakingBack, settings=bounded)  # type: ignore[no-untyped-call]
