"""Another bank brought into one: copied with its keys and provenance, duplicates united, the bound held, once only."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from index.embedders.sentence import PACKAGED, SentenceEmbedder
from ted.bank.bank import Bank
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.changes import Change
from ted.bank.job_values import Job
from ted.bank.listings import Listings
from ted.bank.pages import Page
from ted.bank.tables import BankRow, RevisionRow
from ted.chat import ChatRequest, ScriptedChat
from ted.compression.banks import preview_merge
from ted.errors import Conflict, ModelTimeout
from ted.experience import Key
from ted.jobs.bank_merge import BankMergeRunner
from ted.operations import Add
from ted.sample import Question
from ted.settings import Budget, RetrievalSettings
from tests.bank_files import picture
from tests.compressing import bank_of, bounded, first_of, over, plant, teacher
from tests.planted import GROUPS
from tests.scripted import result
from tests.stores import BY_HAND, Store, added

QUESTION = "Which queue takes a jammed printer?"
ONE = ("A customer asks the way", "Turn left at the red door, room 417.")
OTHER = ("A customer asks the way", "Turn left at the red door, room 714.")


@pytest.fixture(scope="module")
def minilm() -> SentenceEmbedder:
    return SentenceEmbedder(PACKAGED)


async def run(
    store: Store, bank: Bank, source: Bank, model: ScriptedChat, budget: Budget | None = None
) -> Job:
    runner = BankMergeRunner(bank, jobs=store.jobs, calls=store.calls)
    job = runner.find_or_create(source.id, teacher=model.name, profile="full", budget=budget or Budget())
    return await runner.run(job, teacher=model)


async def two(store: Store, minilm: SentenceEmbedder) -> tuple[Bank, Bank]:
    """Two banks with one identical, one nearly alike, one contradicting and one experience of its own each."""
    here, there = bank_of(store, minilm), bank_of(store, minilm, "berlin")
    (alike, other_words, _) = GROUPS[0]
    await plant(here, [GROUPS[1][0], alike, ONE, ("A lamp flickers", "Change the bulb.")])
    await plant(there, [GROUPS[1][0], other_words, OTHER], questions=[QUESTION])
    await plant(there, [("A cable is torn", "Queue CA-1.")])
    return here, there


async def test_what_says_the_same_is_one_and_what_contradicts_is_kept_and_told(
    store: Store, minilm: SentenceEmbedder
) -> None:
    here, there = await two(store, minilm)
    asked = teacher(first_of)
    before = there.experiences()

    preview = await preview_merge(here, there.id)
    job = await run(store, here, there, asked)

    report = result(job)
    assert (job.status, report["copied"], report["operations"]) == ("succeeded", 4, {"merge": 2})
    assert (len(preview.copied), len(preview.unite), len(preview.merge)) == (4, 1, 1)
    assert len(preview.conflicts) == len(report["conflicts"]) == 1
    contents = [e.content for e in here.experiences()]
    assert len(contents) == 6
    assert {ONE[1], OTHER[1], "Change the bulb.", "Queue CA-1.", GROUPS[1][0][1]} <= set(contents)
    assert there.experiences() == before
    (united,) = [e for e in here.experiences() if e.content == GROUPS[1][0][1]]
    assert Key("question", QUESTION) in united.keys
    assert len(asked.requests) == 1


async def test_a_copy_tells_where_it_came_from_and_brings_keys_images_and_models(pictured: Store) -> None:
    here, there = pictured.create(), pictured.create("berlin")
    shape = picture(1)
    keys = (Key("question", QUESTION), Key("image", image_sha256=shape.sha256))
    made_by = {"student": "small", "teacher": "large"}
    await there.apply(
        [Change(Add("A circle.", "It is ZO-7."), keys, ("shapes",), made_by)], BY_HAND, images=[shape]
    )
    (origin,) = there.experiences()

    await run(pictured, here, there, teacher(first_of))

    (copy,) = here.experiences()
    assert copy.id != origin.id
    assert (copy.keys, copy.tags, copy.content) == (origin.keys, origin.tags, origin.content)
    listings = Listings(pictured.database, DEFAULT_CALLER)
    details = listings.experience(here.id, copy.id)
    assert (details.student, details.teacher) == ("small", "large")
    (entry,) = listings.history(here.id, copy.id, Page()).data
    came = {"bank": there.id, "name": "berlin", "revision": 1, "experience": origin.id, "version": 1}
    assert entry.provenance["from"] == came
    found = await here.retrieve(Question("And this?", (shape,)), RetrievalSettings(min_similarity=-2.0))
    assert [r.experience.id for r in found.retrieved] == [copy.id]


async def test_the_bound_is_held(store: Store) -> None:
    here, there = store.create(), store.create("berlin")
    await plant(here, [("A lamp flickers", "Change the bulb.")])
    await plant(there, [("A cable is torn", "Queue CA-1."), ("The lift is stuck", "Call 417.")])
    bounded(here, experiences=2)

    assert (await preview_merge(here, there.id)).over_bound == 1
    await run(store, here, there, teacher(first_of))

    assert (over(here), len(here.experiences())) == (False, 2)


async def test_what_rested_at_its_budget_goes_on_and_copies_nothing_twice(
    store: Store, minilm: SentenceEmbedder
) -> None:
    here, there = await two(store, minilm)

    rests = await run(store, here, there, teacher(first_of), Budget(calls=0))
    goes_on = await run(store, here, there, teacher(first_of), Budget(calls=5))

    assert (rests.status, goes_on.status, rests.id) == ("paused", "succeeded", goes_on.id)
    assert len(here.experiences(status=None)) == 4 + 4 + 2
    with store.database.reading() as session:
        query = select(RevisionRow.reason).where(RevisionRow.bank_id == here.id)
        assert list(session.scalars(query.order_by(RevisionRow.revision))) == [
            "by hand",
            "bank_merge",
            "compression",
        ]


async def test_a_teacher_that_does_not_answer_leaves_both_and_loses_none(
    store: Store, minilm: SentenceEmbedder
) -> None:
    here, there = await two(store, minilm)

    def silent(request: ChatRequest) -> str:
        raise ModelTimeout("no answer")

    job = await run(store, here, there, teacher(silent))

    assert (job.status, len(here.experiences())) == ("succeeded", 7)
    assert [s["reason"] for s in result(job)["skipped"]] == ["model_failure"]


async def test_banks_of_other_embedders_and_a_bank_itself_are_refused(store: Store) -> None:
    here, there = store.create(), store.create("berlin")
    await added(there, "A cable is torn", "Queue CA-1.")
    with pytest.raises(Conflict, match="cannot be merged into itself"):
        await run(store, here, here, teacher(first_of))
    runner = BankMergeRunner(here, jobs=store.jobs, calls=store.calls)
    job = runner.create(there.id, teacher="large", profile="full", budget=Budget())
    with store.database.writing() as session:
        session.execute(update(BankRow).where(BankRow.id == there.id).values(text_fingerprint="other@1"))

    failed = await runner.run(job, teacher=teacher(first_of))

    assert failed.status == "failed"
    assert failed.error is not None
    assert "'other@1'" in failed.error
    assert "embed 'berlin' anew first" in failed.error
    assert here.experiences() == []
    with pytest.raises(Conflict, match="embed 'berlin' anew first"):
        await preview_merge(here, there.id)
