"""The keys that a merge takes over from its parents, and notes kept with a revision."""

from __future__ import annotations

import pytest

from ted.bank.bank import Bank
from ted.bank.changes import Applied, Change, Occasion
from ted.bank.rows import MOST_KEYS
from ted.experience import Key
from ted.operations import Add, Merge
from tests.stores import added, apply

pytestmark = pytest.mark.each_store


async def test_every_parent_is_represented_among_the_keys_of_a_merge(bank: Bank) -> None:
    varied = ["Who feeds the otters?", "Why is snow white?", "Where is Lisbon?", "What is a fugue?"]
    varied += ["When did Rome fall?", "How deep is the sea?", "Which bird sings first?"]
    one = await added(bank, "Anything", "Look it up.", *varied)
    alike = [await added(bank, "Any thing", "Look it up.", f"Who feeds the otter {n}?") for n in range(3)]

    await apply(bank, Change(Merge((one.id, *(e.id for e in alike)), "Anything", "Look it up.")))

    (child,) = bank.experiences()
    assert len(child.keys) == MOST_KEYS
    assert {Key("question", f"Who feeds the otter {n}?") for n in range(3)} <= set(child.keys)


async def test_a_parent_known_by_its_wording_alone_lends_that(bank: Bank) -> None:
    one, other = await added(bank, "A door", "Ring."), await added(bank, "A gate", "Ring.")

    await apply(bank, Change(Merge((one.id, other.id), "A door", "Ring.")))

    (child,) = bank.experiences()
    assert set(child.keys) == {Key("when_to_use", "A door"), Key("question", "A gate")}


async def test_notes_are_kept_with_the_revision_of_an_occasion(bank: Bank) -> None:
    occasion = Occasion("compression", "job_1", 0, 0)

    applied = await bank.apply([Change(Add("A door", "Ring."))], occasion, notes={"asked": 3})

    report = bank.report_of(occasion)
    assert report == {"counts": {"add": 1}, "skipped": [], "asked": 3, "revision": 1, "active": 1}
    assert await bank.apply([], occasion) == applied == Applied(1, {"add": 1})
    assert bank.report_of(Occasion("compression", "job_1", 0, 1)) is None
