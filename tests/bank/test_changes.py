"""What each change does to a bank: revision, versions, statuses, keys, history, lineage."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from ted.bank.bank import Bank
from ted.bank.changes import AddKeys, Applied, Change, Occasion, SetPinned, SetStatus
from ted.bank.rows import MOST_KEYS
from ted.bank.tables import ExperienceRow, HistoryRow, LineageRow, RevisionRow
from ted.experience import Experience, Key
from ted.operations import Add, Merge, Operation, Remove, Rewrite
from tests.stores import Store, added, apply

pytestmark = pytest.mark.each_store

FROM = {"job": "job_1", "sample": "s7", "student": "small", "teacher": "large"}


def history(bank: Bank, experience_id: str) -> list[HistoryRow]:
    with bank.database.reading() as session:
        query = select(HistoryRow).where(HistoryRow.experience_id == experience_id).order_by(HistoryRow.id)
        return list(session.scalars(query))


def parents(bank: Bank, child_id: str) -> set[str]:
    with bank.database.reading() as session:
        return set(session.scalars(select(LineageRow.parent_id).where(LineageRow.child_id == child_id)))


def numbered(number: int) -> Key:
    return Key("question", f"Source question {number} of many?")


@pytest.fixture
async def pair(bank: Bank) -> tuple[Experience, Experience]:
    return (
        await added(bank, "A red door is locked", "Use key R1.", "Where is the key of the red door?"),
        await added(bank, "A scarlet door is locked", "Use key R1.", "How do I open the scarlet door?"),
    )


async def test_an_add_makes_an_active_experience_of_version_one(bank: Bank) -> None:
    applied = await apply(bank, Change(Add("A door is locked", "Ring."), (numbered(1),), ("doors",), FROM))

    assert applied == Applied(1, {"add": 1})
    assert bank.record.revision == 1
    (experience,) = bank.experiences()
    assert (experience.version, experience.status, experience.pinned) == (1, "active", False)
    assert (experience.when_to_use, experience.content) == ("A door is locked", "Ring.")
    assert experience.tags == ("doors",)
    assert experience.keys == (Key("when_to_use", "A door is locked"), numbered(1))
    (entry,) = history(bank, experience.id)
    assert (entry.operation, entry.revision, entry.version, entry.provenance) == ("add", 1, 1, FROM)


async def test_student_and_teacher_of_an_experience_are_remembered(bank: Bank) -> None:
    await apply(bank, Change(Add("A door is locked", "Ring."), provenance=FROM))

    with bank.database.reading() as session:
        row = session.scalars(select(ExperienceRow)).one()
    assert (row.student, row.teacher, row.created_revision) == ("small", "large", 1)


async def test_a_rewrite_keeps_the_id_and_the_source_keys_and_counts_the_version(bank: Bank) -> None:
    old = await added(bank, "A door is locked", "Ring.", "How do I get in?")

    applied = await apply(
        bank, Change(Rewrite(old.id, "A gate is locked", "Knock."), (numbered(1),), (), FROM)
    )

    assert applied == Applied(2, {"rewrite": 1})
    new = bank.experience(old.id)
    assert (new.version, new.when_to_use, new.content) == (2, "A gate is locked", "Knock.")
    assert set(new.keys) == {
        Key("when_to_use", "A gate is locked"),
        Key("question", "How do I get in?"),
        numbered(1),
    }
    first, second = history(bank, old.id)
    assert (first.operation, first.content, first.version) == ("add", "Ring.", 1)
    assert (second.operation, second.content, second.version) == ("rewrite", "Knock.", 2)
    assert (second.revision, second.provenance) == (2, FROM)


async def test_a_merge_makes_a_child_retires_its_parents_and_unites_their_keys(
    bank: Bank, pair: tuple[Experience, Experience]
) -> None:
    one, other = pair

    applied = await apply(
        bank,
        Change(Merge((one.id, other.id), "A red or scarlet door", "Use key R1."), (numbered(3),), (), FROM),
    )

    assert applied == Applied(3, {"merge": 1})
    (child,) = bank.experiences()
    assert child.id not in (one.id, other.id)
    assert parents(bank, child.id) == {one.id, other.id}
    assert {bank.experience(e.id).status for e in pair} == {"retired"}
    assert set(child.keys) == {
        Key("when_to_use", "A red or scarlet door"),
        Key("question", "Where is the key of the red door?"),
        Key("question", "How do I open the scarlet door?"),
        numbered(3),
    }
    assert [h.operation for h in history(bank, one.id)] == ["add", "merged"]
    assert [(h.operation, h.provenance) for h in history(bank, child.id)] == [("merge", FROM)]


async def test_a_merge_of_many_keys_keeps_those_that_differ_most(bank: Bank) -> None:
    alike = [f"Where does ticket number {n} about a refund go?" for n in range(7)]
    one = await added(bank, "Refunds", "Desk 1.", *alike)
    other = await added(bank, "Pay backs", "Desk 1.", "Who feeds the otters?", "Why is snow white?")

    await apply(bank, Change(Merge((one.id, other.id), "Money goes back", "Desk 1.")))

    (child,) = bank.experiences()
    assert len(child.keys) == MOST_KEYS
    assert {Key("question", "Who feeds the otters?"), Key("question", "Why is snow white?")} <= set(
        child.keys
    )


async def test_a_merge_of_fewer_than_two_experiences_is_skipped_and_told(bank: Bank) -> None:
    one = await added(bank, "A door is locked", "Ring.")

    applied = await apply(
        bank, Change(Merge((one.id, one.id), "Twice", "the same")), Change(Merge((one.id,), "Alone", "so"))
    )

    assert applied.counts == {}
    assert ["two or more different" in skip.why for skip in applied.skipped] == [True, True]
    assert bank.experiences() == [one]


async def test_a_removed_experience_is_retired_and_not_deleted(bank: Bank) -> None:
    experience = await added(bank, "A door is locked", "Ring.")

    applied = await apply(bank, Change(Remove(experience.id), provenance=FROM))

    assert applied == Applied(2, {"remove": 1})
    assert bank.experiences() == []
    kept = bank.experience(experience.id)
    assert (kept.status, kept.content) == ("retired", "Ring.")
    assert [(h.operation, h.status) for h in history(bank, experience.id)] == [
        ("add", "active"),
        ("remove", "retired"),
    ]


async def test_a_retired_experience_can_be_restored(bank: Bank) -> None:
    experience = await added(bank, "A door is locked", "Ring.")
    await apply(bank, Change(Remove(experience.id)))

    applied = await apply(bank, Change(SetStatus(experience.id, "active")))

    assert applied == Applied(3, {"status": 1})
    assert [e.id for e in bank.experiences()] == [experience.id]
    assert [h.operation for h in history(bank, experience.id)] == ["add", "remove", "status"]


@pytest.mark.parametrize("operation", [Remove, lambda i: Rewrite(i, "New", "text")])
async def test_what_is_pinned_is_neither_removed_nor_rewritten(bank: Bank, operation: Any) -> None:
    experience = await added(bank, "A door is locked", "Ring.")
    pinned = await apply(bank, Change(SetPinned(experience.id, True)))

    refused = await apply(bank, Change(operation(experience.id)))
    await apply(bank, Change(SetPinned(experience.id, False)))
    allowed = await apply(bank, Change(operation(experience.id)))

    assert pinned == Applied(2, {"pin": 1})
    assert [skip.why for skip in refused.skipped] == ["it is pinned"]
    assert allowed.skipped == ()
    assert [h.operation for h in history(bank, experience.id)][:3] == ["add", "pin", "pin"]


async def test_added_keys_leave_the_version_and_are_told_in_the_history(bank: Bank) -> None:
    experience = await added(bank, "A door is locked", "Ring.", "How do I get in?")

    applied = await apply(bank, Change(AddKeys(experience.id), (numbered(1), numbered(1)), (), FROM))
    again = await apply(bank, Change(AddKeys(experience.id), (numbered(1),)))

    assert applied == Applied(2, {"key": 1})
    assert again == Applied(3, {})  # it is there already
    now = bank.experience(experience.id)
    assert now.version == 1
    assert now.keys == (*experience.keys, numbered(1))
    assert [(h.operation, h.provenance) for h in history(bank, experience.id)][1:] == [("key", FROM)]


async def test_an_experience_never_has_more_than_eight_keys(bank: Bank) -> None:
    await apply(bank, Change(Add("A door", "Ring."), tuple(map(numbered, range(20)))))
    (experience,) = bank.experiences()
    assert len(experience.keys) == MOST_KEYS == 8

    await apply(bank, Change(AddKeys(experience.id), (numbered(30),)))
    await apply(bank, Change(Rewrite(experience.id, "A gate", "Knock."), (numbered(31),)))

    keys = bank.experience(experience.id).keys
    assert len(keys) == MOST_KEYS
    assert Key("when_to_use", "A gate") in keys


async def test_keys_for_what_is_retired_are_skipped_and_told(bank: Bank) -> None:
    experience = await added(bank, "A door is locked", "Ring.")
    await apply(bank, Change(Remove(experience.id)))

    applied = await apply(bank, Change(AddKeys(experience.id), (numbered(1),), (), FROM))

    assert [(s.operation, s.why, s.sample) for s in applied.skipped] == [
        ("key", "its status is retired", "s7")
    ]


@pytest.mark.parametrize("operation", [Remove, lambda i: Rewrite(i, "New", "text")])
async def test_an_experience_changed_since_the_base_revision_is_left_alone_and_told(
    bank: Bank, operation: Any
) -> None:
    experience = await added(bank, "A door is locked", "Ring.")
    base = bank.record.revision
    await apply(bank, Change(Rewrite(experience.id, "A gate is locked", "Knock.")))

    applied = await apply(bank, Change(operation(experience.id), provenance=FROM), base=base)

    (skip,) = applied.skipped
    assert (skip.experience_id, skip.sample) == (experience.id, "s7")
    assert skip.why == "changed at revision 2, after the base 1"
    assert applied.counts == {}
    assert bank.experience(experience.id).content == "Knock."
    assert applied.revision == bank.record.revision == 3


async def test_a_merge_with_one_stale_parent_leaves_all_of_them(
    bank: Bank, pair: tuple[Experience, Experience]
) -> None:
    one, other = pair
    base = bank.record.revision
    await apply(bank, Change(Rewrite(other.id, "A pink door", "Use key P1.")))

    applied = await apply(bank, Change(Merge((one.id, other.id), "Doors", "Use R1.")), base=base)

    assert [s.experience_id for s in applied.skipped] == [other.id]
    assert {e.id for e in bank.experiences()} == {one.id, other.id}


async def test_the_second_change_of_an_experience_in_one_list_is_skipped(bank: Bank) -> None:
    experience = await added(bank, "A door is locked", "Ring.")

    applied = await apply(
        bank, Change(Rewrite(experience.id, "A gate", "Knock.")), Change(Remove(experience.id))
    )

    assert applied.counts == {"rewrite": 1}
    assert [s.operation for s in applied.skipped] == ["remove"]


async def test_an_experience_of_another_bank_cannot_be_touched(store: Store, bank: Bank) -> None:
    foreign = await added(store.create("other"), "A door is locked", "Ring.")
    changes: list[Operation | SetStatus] = [
        Remove(foreign.id),
        Rewrite(foreign.id, "a", "b"),
        SetStatus(foreign.id, "rejected"),
        Remove("exp_nowhere"),
    ]

    applied = await apply(bank, *(Change(change) for change in changes))

    assert {s.why for s in applied.skipped} == {"no such experience in this bank"}
    assert len(applied.skipped) == 4
    assert store.open("other").experience(foreign.id) == foreign


async def test_a_batch_of_a_job_is_applied_once(bank: Bank) -> None:
    occasion = Occasion("distillation", "job_1", 0, 3)
    changes = [Change(Add("A door", "Ring.")), Change(Remove("exp_nowhere"))]

    first = await bank.apply(changes, occasion)
    again = await bank.apply(changes, occasion)
    next_one = await bank.apply(changes, Occasion("distillation", "job_1", 0, 4))

    assert again == first
    assert next_one.revision == 2
    assert len(bank.experiences()) == 2
    assert bank.has_applied(occasion)
    assert not bank.has_applied(Occasion("distillation", "job_1", 1, 3))


async def test_every_revision_tells_its_reason_and_how_many_are_active(bank: Bank) -> None:
    experience = await added(bank, "A door is locked", "Ring.")
    await apply(bank, Change(Add("A gate", "Knock.")))
    await apply(bank, Change(Remove(experience.id)))

    with bank.database.reading() as session:
        rows = session.scalars(select(RevisionRow).order_by(RevisionRow.revision)).all()
    assert [(r.revision, r.reason, r.active) for r in rows] == [
        (1, "by hand", 1),
        (2, "by hand", 2),
        (3, "by hand", 1),
    ]


async def test_nothing_is_written_where_one_change_cannot_be(bank: Bank) -> None:
    """One transaction: a failure in the middle leaves neither revision nor experience behind."""
    broken = Change(Add("A door", "Ring."), provenance={"not": {"json"}})

    with pytest.raises(Exception, match="JSON serializable"):
        await apply(bank, Change(Add("A gate", "Knock.")), broken)

    assert bank.record.revision == 0
    with bank.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ExperienceRow)) == 0
