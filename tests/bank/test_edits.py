"""Edits by hand: whatever the status, on a condition, one revision each; and settings of banks likewise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from index.embedders.thumbnails import ThumbnailEmbedder
from ted.bank.bank import Bank
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.changes import Change, Edit
from ted.bank.listings import Listings
from ted.bank.pages import Page
from ted.bank.tables import EmbeddingRow, KeyRow
from ted.errors import ChangedMeanwhile, Conflict, NotFound
from ted.sample import Question
from tests.stores import Store, added, apply

pytestmark = pytest.mark.each_store


async def edited(bank: Bank, edit: Edit) -> None:
    applied = await apply(bank, Change(edit))
    assert applied.skipped == ()


async def test_another_wording_is_found_and_the_old_one_is_not(store: Store) -> None:
    bank = store.create()
    printer = await added(bank, "A printer is jammed.", "FX-31")

    await edited(bank, Edit(printer.id, when_to_use="A kettle whistles."))

    found = await bank.retrieve(Question("A kettle whistles."), bank.record.retrieval)
    assert [r.experience.version for r in found.retrieved] == [2]
    assert [key.text for key in bank.experience(printer.id).keys] == ["A kettle whistles."]


async def test_another_wording_has_a_caption_for_images_too(pictured: Store) -> None:
    bank = pictured.create()
    shape = await added(bank, "A red square.", "Say red.")

    await edited(bank, Edit(shape.id, when_to_use="A blue circle."))

    with pictured.database.reading() as session:
        made = session.query(EmbeddingRow.fingerprint).join(KeyRow, KeyRow.id == EmbeddingRow.key_id).all()
    assert {fingerprint for (fingerprint,) in made} >= {ThumbnailEmbedder().fingerprint}
    assert len(made) == 2


async def test_another_content_keeps_the_keys(store: Store) -> None:
    bank = store.create()
    printer = await added(bank, "A printer is jammed.", "FX-31", "Which queue for printers?")

    await edited(bank, Edit(printer.id, content="FX-32"))

    after = bank.experience(printer.id)
    assert (after.content, after.version, after.keys) == ("FX-32", 2, printer.keys)


async def test_what_is_pinned_or_quarantined_can_be_edited(store: Store) -> None:
    bank = store.create()
    printer = await added(bank, "A printer is jammed.", "FX-31")
    await edited(bank, Edit(printer.id, pinned=True, status="quarantined"))

    await edited(bank, Edit(printer.id, content="FX-32", status="active"))

    after = bank.experience(printer.id)
    assert (after.content, after.status, after.pinned) == ("FX-32", "active", True)


async def test_an_edit_on_a_condition_that_does_not_hold_changes_nothing(store: Store) -> None:
    bank = store.create()
    printer = await added(bank, "A printer is jammed.", "FX-31")
    seen = Listings(store.database, DEFAULT_CALLER).experience(bank.id, printer.id).tag
    await edited(bank, Edit(printer.id, content="FX-32", only_if=("other", seen)))

    with pytest.raises(ChangedMeanwhile, match="read it again"):
        await apply(bank, Change(Edit(printer.id, content="FX-33", only_if=(seen,))))

    assert (bank.record.revision, bank.experience(printer.id).content) == (2, "FX-32")


async def test_an_edit_of_another_banks_experience_is_skipped(store: Store) -> None:
    bank, other = store.create(), store.create("other")
    printer = await added(bank, "A printer is jammed.", "FX-31")

    applied = await apply(other, Change(Edit(printer.id, content="FX-32")))

    assert [skip.why for skip in applied.skipped] == ["no such experience in this bank"]


def test_settings_change_on_a_condition_and_names_stay_one_of_a_kind(store: Store) -> None:
    bank, other = store.create(), store.create("other")
    listings = Listings(store.database, DEFAULT_CALLER)
    seen = listings.bank(bank.id).tag
    store.banks.change(bank.id, lambda s: replace(s, name="bench", max_tokens=5), only_if=(seen,))

    with pytest.raises(ChangedMeanwhile):
        store.banks.change(bank.id, lambda s: replace(s, max_tokens=6), only_if=(seen,))
    with pytest.raises(Conflict, match="'bench' already"):
        store.banks.change(other.id, lambda s: replace(s, name="bench"))
    with pytest.raises(NotFound):
        store.banks.change("bank_none", lambda s: s)

    after = listings.bank(bank.id)
    assert (after.name, after.max_tokens) == ("bench", 5)
    assert [b.name for b in listings.banks(Page(order="desc")).data] == ["other", "bench"]
