"""Revisions named, compared and gone back to; merges undone."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from ted.bank.bank import Bank
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.changes import AddKeys, Change, Edit, SetPinned, Unmerge
from ted.bank.compressing import CompressionStore
from ted.bank.listings import Listings
from ted.bank.pages import Page
from ted.bank.tables import HistoryRow
from ted.bank.usage import usage_from_exposures, usage_of
from ted.bank.versions import VersionStore, roll_back
from ted.compression.plan import make_plan
from ted.compression.settings import CompressionSettings
from ted.errors import BadInput, Conflict, NotFound
from ted.experience import Experience, Key
from ted.operations import Merge, Remove, Rewrite
from ted.sample import Question
from tests.bank_files import exported, imported, lived_in
from tests.compressing import asked_with, bounded
from tests.stores import Store, added, apply

JAMMED = Question("Which queue takes a jammed printer?")


def seen(bank: Bank) -> list[tuple[object, ...]]:
    """All that a rollback must bring back of the active experiences."""
    return [(e.id, e.when_to_use, e.content, e.status, e.pinned, e.tags, e.keys) for e in bank.experiences()]


async def merged(bank: Bank) -> tuple[Experience, Experience, Experience]:
    """Two parents and what they became."""
    one = await added(bank, "A badge is lost.", "Queue BA-2.", "Where is my badge?")
    other = await added(bank, "Somebody lost a badge.", "Queue BA-2.")
    assert len((await make_plan(bank, CompressionSettings())).unions) == 1
    await apply(bank, Change(Merge((one.id, other.id), "A badge is gone.", "Queue BA-2.")))
    return one, other, bank.experiences()[-1]


async def test_after_a_rollback_all_is_as_it_was_and_nothing_is_deleted(bank: Bank) -> None:
    printer = await added(bank, "A printer is jammed.", "Queue FX-31.", JAMMED.text, tags=("print",))
    await merged(bank)
    await apply(bank, Change(SetPinned(printer.id, True)))
    before, revision, ids = seen(bank), bank.record.revision, {e.id for e in bank.experiences(status=None)}

    await apply(bank, Change(Rewrite(printer.id, "A printer.", "Queue FX-99.")))
    await apply(bank, Change(Edit(printer.id, content="Queue FX-98.", pinned=False, tags=())))
    await apply(bank, Change(AddKeys(printer.id), (Key("question", "And on floor two?"),)))
    late = await added(bank, "A cable is torn.", "Queue CA-1.")
    await apply(bank, Change(Remove(printer.id)))
    now = bank.record.revision
    done = await roll_back(bank, revision)

    assert (seen(bank), done.revision, bank.record.revision) == (before, now + 1, now + 1)
    assert bank.experience(late.id).status == "retired"
    assert {e.id for e in bank.experiences(status=None)} == ids | {late.id}
    assert VersionStore(bank.database).compare(bank.id, revision, now + 1).difference.is_empty
    assert (await bank.retrieve(JAMMED)).retrieved[0].experience.id == printer.id


async def test_a_rollback_can_itself_be_taken_back(bank: Bank) -> None:
    await merged(bank)
    later = seen(bank)
    await roll_back(bank, 1)
    assert len(bank.experiences()) == 1

    await roll_back(bank, 3)

    assert seen(bank) == later


async def test_a_dry_run_tells_what_would_change_and_changes_nothing(bank: Bank) -> None:
    one, other, child = await merged(bank)

    told = await roll_back(bank, 2, dry_run=True)

    assert (told.revision, bank.record.revision) == (None, 3)
    assert [s.experience_id for s in told.difference.removed] == [child.id]
    assert [s.experience_id for s in told.difference.restored] == [one.id, other.id]


async def test_a_text_that_comes_back_is_a_new_version_with_its_evidence(bank: Bank) -> None:
    printer = await added(bank, "A printer is jammed.", "Queue FX-31.")
    asked_with(bank, printer, 1.0, 0.0, 1.0)
    await apply(bank, Change(Rewrite(printer.id, "A printer is jammed.", "Queue FX-99.")))
    asked_with(bank, bank.experience(printer.id), 0.0, origin="job_y:0")

    await roll_back(bank, 1)

    again = bank.experience(printer.id)
    asked_with(bank, again, 1.0, origin="job_z:0")
    with bank.database.reading() as session:
        usage = usage_of(session, bank.id)
        assert usage == usage_from_exposures(session, bank.id)
    assert (again.version, again.content) == (3, "Queue FX-31.")
    assert (usage[printer.id].shown_correct, usage[printer.id].shown_wrong) == (3.0, 1.0)


async def test_a_rollback_is_refused_while_a_writing_job_is_unfinished(store: Store, bank: Bank) -> None:
    await added(bank, "A printer is jammed.", "Queue FX-31.")
    job = store.jobs.create(bank.id, "compression", request={}, digest="d", budget={})

    with pytest.raises(Conflict, match=f"unfinished compression {job.id}"):
        await roll_back(bank, 0)
    assert bank.record.revision == 1


async def test_beyond_the_bound_a_rollback_tells_so(bank: Bank) -> None:
    await merged(bank)
    bounded(bank, experiences=1)

    told = await roll_back(bank, 2)

    assert told.problem is not None
    assert told.problem.startswith("2 experiences and")
    assert "raise its capacity" in told.problem


async def test_what_an_older_store_did_not_keep_stays_and_is_told(bank: Bank) -> None:
    printer = await added(bank, "A printer is jammed.", "Queue FX-31.", JAMMED.text)
    await apply(bank, Change(Rewrite(printer.id, "A printer.", "Queue FX-99.")))
    with bank.database.writing() as session:
        older = update(HistoryRow).where(HistoryRow.revision == 1)
        session.execute(older.values(pinned=None, tags=None, keys=None))

    told = await roll_back(bank, 1)

    (again,) = bank.experiences()
    assert told.unknown == (printer.id,)
    assert (again.when_to_use, again.content) == ("A printer is jammed.", "Queue FX-31.")
    assert set(again.keys) == {Key("question", JAMMED.text), Key("when_to_use", "A printer is jammed.")}


async def test_a_version_names_a_revision_for_good(store: Store, bank: Bank) -> None:
    await merged(bank)
    versions = VersionStore(store.database)

    good = versions.name(bank.id, "before the fair")
    versions.name(bank.id, "first", 1)

    listed = versions.list(bank.id, Page()).data
    assert [(v.name, v.revision, v.active) for v in listed] == [("before the fair", 3, 1), ("first", 1, 1)]
    assert versions.find(bank.id, "before the fair") == good.revision == versions.find(bank.id, "3")
    with pytest.raises(Conflict, match="a name stays with its revision"):
        versions.name(bank.id, "first", 2)
    for name in ("", " ", "12", "x" * 101):
        with pytest.raises(BadInput):
            versions.name(bank.id, name)
    for version in (4, -1, "nothing"):
        with pytest.raises(NotFound):
            versions.find(bank.id, version)


async def test_names_go_with_the_banks_file(store: Store) -> None:
    bank = await lived_in(store)
    VersionStore(store.database).name(bank.id, "good", 2)
    file = exported(store)

    imported(store, file, name="twin", on_conflict="copy")

    twin = store.open("twin")
    assert VersionStore(store.database).find(twin.id, "good") == 2
    await roll_back(bank, "good")
    await roll_back(twin, "good")
    assert [s[1:] for s in seen(twin)] == [s[1:] for s in seen(bank)]


async def test_the_difference_tells_what_became_of_each(store: Store, bank: Bank) -> None:
    printer = await added(bank, "A printer is jammed.", "Queue FX-31.")
    one = await added(bank, "A badge is lost.", "Queue BA-2.")
    other = await added(bank, "A badge is gone.", "Queue BA-2.")
    await apply(bank, Change(Rewrite(printer.id, "A printer is jammed.", "Queue FX-99.")))
    await apply(bank, Change(AddKeys(printer.id), (Key("question", JAMMED.text),)))
    await apply(bank, Change(Merge((one.id, other.id), "No badge.", "Queue BA-2.")))
    child = bank.experiences()[-1]

    found = VersionStore(store.database).compare(bank.id, 3)

    told = found.difference
    assert [s.experience_id for s in told.added] == [child.id]
    assert [s.experience_id for s in told.removed] == [one.id, other.id]
    assert found.parents == {child.id: (one.id, other.id)}
    assert found.children == {one.id: (child.id,), other.id: (child.id,)}
    ((pair,), (keys,)) = (told.rewritten, told.keys_changed)
    assert (pair.before.content, pair.after.content) == ("Queue FX-31.", "Queue FX-99.")
    assert (keys.gained, keys.lost) == ((Key("question", JAMMED.text),), ())


async def test_unmerged_the_parents_are_back_and_are_not_merged_again(store: Store, bank: Bank) -> None:
    one, other, child = await merged(bank)

    await apply(bank, Change(Unmerge(child.id)))

    assert [e.id for e in bank.experiences()] == [one.id, other.id]
    assert bank.experience(child.id).status == "retired"
    plan = await make_plan(bank, CompressionSettings(near=0.1))
    assert (plan.unions, plan.clusters) == ((), ())
    page = Listings(store.database, DEFAULT_CALLER).history(bank.id, one.id, Page())
    assert [entry.operation for entry in page.data] == ["add", "merged", "unmerged"]
    assert list(CompressionStore(store.database).survey(bank.id).refusals.values()) == ["unmerged"]


async def test_a_rewritten_parent_may_be_merged_again(bank: Bank) -> None:
    one, _, child = await merged(bank)
    await apply(bank, Change(Unmerge(child.id)))

    await apply(bank, Change(Rewrite(one.id, "Someone lost a badge.", "Queue BA-2.")))

    (union,) = (await make_plan(bank, CompressionSettings())).unions
    assert len(union.members) == 2


async def test_an_unmerge_is_refused_where_it_cannot_be(bank: Bank) -> None:
    one, _, child = await merged(bank)
    third = await added(bank, "A card is lost.", "Queue BA-2.")
    with pytest.raises(Conflict, match="is no merge"):
        await apply(bank, Change(Unmerge(one.id)))
    bounded(bank, experiences=2)
    with pytest.raises(Conflict, match="raise its capacity, or retire others first"):
        await apply(bank, Change(Unmerge(child.id)))
    bounded(bank)
    await apply(bank, Change(Merge((child.id, third.id), "Any card is gone.", "Queue BA-2.")))
    grandchild = bank.experiences()[-1]
    with pytest.raises(Conflict, match=f"merged on into {grandchild.id}: unmerge {grandchild.id} first"):
        await apply(bank, Change(Unmerge(child.id)))
    await apply(bank, Change(Unmerge(grandchild.id)))
    await apply(bank, Change(Edit(one.id, status="active")))
    await apply(bank, Change(Merge((one.id, third.id), "A card of any kind is gone.", "Queue BA-2.")))
    with pytest.raises(Conflict, match=f"its parent {one.id} has gone on into another merge"):
        await apply(bank, Change(Unmerge(child.id)))
    assert bank.experience(child.id).status == "active"
