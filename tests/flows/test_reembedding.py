"""A bank embedded anew: as it was until all is ready, then as if made so; whatever stops the job, or changes the bank."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from index.embedders.hashing import HashingEmbedder
from index.embedders.thumbnails import ThumbnailEmbedder
from index.errors import EmbedderUnavailable
from ted.bank.bank import Bank
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.changes import Change
from ted.bank.exporting import export_lines
from ted.bank.job_control import JobControl
from ted.bank.job_events import EventStore
from ted.bank.pages import Page
from ted.bank.reembedding import ReembeddingStore, Target, embed_bare
from ted.bank.tables import BankRow
from ted.errors import Conflict, JobStopped, StoreMismatch
from ted.experience import Similarity
from ted.jobs.run import run_job
from ted.operations import Remove, Rewrite
from ted.sample import Question
from ted.settings import RetrievalSettings
from tests.bank_files import lived_in
from tests.flows.test_submitted_jobs import Desk, desk_at
from tests.reembedding import COUNT, NEW, OLD, Watched, fill, picture, runner_of, vectors
from tests.stores import Store, added, apply

ASKED = [Question(f"What of the case {n} of the {n % 7} kind, then?") for n in range(0, COUNT, 13)]
SEEN = [Question("What is this?", (picture(n),)) for n in range(4)]
WIDE = RetrievalSettings(min_similarity=-2.0, gap=2.0)


async def retrieved(bank: Bank, questions: list[Question]) -> list[Any]:
    """What is shown for each question, how near it is, and the bound below which nothing were shown."""
    found: list[Any] = []
    for question in questions:
        for settings in (None, WIDE):
            retrieval = await bank.retrieve(question, settings)
            shown = [(r.experience.content, rounded(r.similarity)) for r in retrieval.retrieved]
            found.append(
                (
                    shown,
                    round(retrieval.min_similarity, 4),
                    retrieval.abstained,
                    retrieval.images_not_searched,
                )
            )
    return found


def rounded(similarity: Similarity) -> tuple[float | None, ...]:
    values = (similarity.fused, similarity.text, similarity.image, similarity.image_text)
    return tuple(None if value is None else round(value, 4) for value in values)


def other(store: Store, *, pictured: bool = False, text: Any = None) -> Store:
    """The same store as a process with other embedders has it."""
    return Store(store.database, text or HashingEmbedder(64), ThumbnailEmbedder() if pictured else None)


def kinds(store: Store, job_id: str) -> list[str]:
    return [
        event.event for event in EventStore(store.database, DEFAULT_CALLER).events(job_id, Page(100)).data
    ]


async def test_a_bank_embedded_anew_retrieves_as_one_made_so_from_the_start(store: Store) -> None:
    there = other(store, pictured=True)
    old, fresh = store.create("old"), there.create("fresh")
    for bank in (old, fresh):
        await fill(bank, drawn=12)
    runner = runner_of(store, old, HashingEmbedder(64), pictured=True)

    job = await runner.run(runner.create())

    assert job.status == "succeeded"
    assert job.result is not None
    assert (job.result["keys"], job.result["revision"]) == (2 * COUNT + 12, 2)
    opened, questions = there.open("old"), [*ASKED, *SEEN]
    assert opened.record.revision == 2
    assert await retrieved(opened, questions) == await retrieved(fresh, questions)
    assert {fingerprint for _, fingerprint, _ in vectors(store.database)} == {NEW, "thumbnails@1:8"}
    counts = store.jobs.counts(job.id)
    assert counts.total == counts.completed == 2 * COUNT + 12
    told = kinds(store, job.id)
    assert (told[:2], told[-1]) == (["job.queued", "job.running"], "job.succeeded")
    assert set(told[2:-1]) == {"job.progress"}


async def test_a_bank_of_texts_gets_images_without_embedding_a_text_again(store: Store) -> None:
    """Its open object goes on with both embedders, since this process has both."""
    bank = store.create()
    await fill(bank, count=30, drawn=12)
    open_with_images = Store(store.database, store.text_embedder, ThumbnailEmbedder()).open()
    (before,) = (await open_with_images.retrieve(SEEN[1], WIDE)).retrieved[:1]
    text = Watched(inner=HashingEmbedder())
    runner = runner_of(store, bank, text, pictured=True)

    plan = runner.preview()
    job = await runner.run(runner.create())

    assert (plan.keys, plan.texts, plan.captions, plan.images) == (30 + 12, 0, 30, 12)
    assert (job.status, text.embedded) == ("succeeded", [])
    assert before.similarity.image is None
    after = (await open_with_images.retrieve(SEEN[1], WIDE)).retrieved[0]
    assert after.experience.content == "Do thing 1."
    assert after.similarity.image is not None
    await added(open_with_images, "A thing comes later", "Do it later.")
    assert {f for _, f, _ in vectors(store.database)} == {OLD, "thumbnails@1:8"}


async def test_a_bank_of_images_can_become_one_of_texts(pictured: Store) -> None:
    bank = pictured.create()
    await fill(bank, count=20, drawn=5)
    runner = runner_of(pictured, bank, HashingEmbedder())

    job = await runner.run(runner.create())

    assert job.status == "succeeded"
    opened = Store(pictured.database, HashingEmbedder(), None).open()
    assert (await opened.retrieve(SEEN[0], WIDE)).images_not_searched == 1
    assert {f for _, f, _ in vectors(pictured.database)} == {OLD}


async def test_a_preview_counts_and_changes_nothing(store: Store) -> None:
    bank = store.create()
    await fill(bank, drawn=3)
    before = vectors(store.database)

    plan = runner_of(store, bank, HashingEmbedder(64), pictured=True).preview()

    assert (plan.made_with, plan.target) == (Target(OLD, None), Target(NEW, "thumbnails@1:8"))
    assert (plan.keys, plan.texts, plan.captions, plan.images) == (2 * COUNT + 3, 2 * COUNT, COUNT, 3)
    assert vectors(store.database) == before
    assert store.jobs.all() == []


async def test_until_it_has_ended_the_bank_answers_as_before_and_elsewhere_names_the_job(
    store: Store,
) -> None:
    bank = store.create()
    await fill(bank)
    before, seen, told = await retrieved(bank, ASKED), [], []

    def meanwhile() -> None:
        seen.append(asyncio.run(retrieved(store.open(), ASKED)))
        with pytest.raises(StoreMismatch) as refused:
            other(store).open()
        told.append(str(refused.value))

    runner = runner_of(store, bank, Watched(at=2, then=meanwhile))
    job = await runner.run(runner.create())

    assert job.status == "succeeded"
    assert seen == [before]
    assert f"it is being re-embedded by job {job.id}, which is running" in told[0]
    with pytest.raises(
        StoreMismatch, match="made with the text embedder 'hashing@1:64', but this process has"
    ):
        await bank.retrieve(ASKED[0])


async def test_a_job_that_was_interrupted_embeds_no_key_again(store: Store) -> None:
    bank = store.create()
    await fill(bank)

    def fails() -> None:
        raise EmbedderUnavailable("the model's folder is gone")

    broken, mended = Watched(at=2, then=fails), Watched()
    job = runner_of(store, bank, broken).create()
    with pytest.raises(EmbedderUnavailable):
        await runner_of(store, bank, broken).run(job)
    resting = store.jobs.get(job.id)
    again = runner_of(store, bank, mended)

    ended = await again.run(resting)

    assert (resting.status, store.jobs.counts(job.id).completed) == ("paused", 2 * COUNT)
    assert again.unfinished() is None
    assert ended.status == "succeeded"
    assert len(broken.embedded) == 64
    assert len(broken.embedded + mended.embedded) == len({*broken.embedded, *mended.embedded}) == 2 * COUNT


@pytest.mark.parametrize("when", ["running", "resting"])
async def test_a_cancelled_job_leaves_the_bank_as_it_was_and_nothing_besides(store: Store, when: str) -> None:
    bank = store.create()
    await fill(bank)
    before, shown, control = (
        vectors(store.database),
        await retrieved(bank, ASKED),
        JobControl(store.database, DEFAULT_CALLER),
    )
    stop = control.cancel if when == "running" else control.pause
    embedder = Watched(at=2, then=lambda: void(stop(job.id)))
    runner = runner_of(store, bank, embedder)
    job = runner.create()

    stopped = await runner.run(job)
    if when == "resting":
        assert stopped.status == "paused"
        assert len(vectors(store.database) - before) == 64
        control.cancel(job.id)

    assert store.jobs.get(job.id).status == "cancelled"
    assert vectors(store.database) == before
    assert bank.record.revision == 1
    assert await retrieved(bank, ASKED) == shown


def void(_: object) -> None:
    """For a callback that gives nothing."""


async def test_what_is_changed_by_hand_meanwhile_is_embedded_too(store: Store) -> None:
    bank = store.create()
    await fill(bank)
    one, two = bank.experiences()[:2]

    def meanwhile() -> None:
        async def change() -> None:
            await apply(bank, Change(Rewrite(one.id, "A lorry blocks the gate", "Call the yard.")))
            await apply(bank, Change(Remove(two.id)))
            await added(bank, "A parcel is wet", "Dry it.", "What of a wet parcel?")

        asyncio.run(change())

    runner = runner_of(store, bank, Watched(at=2, then=meanwhile))
    job = await runner.run(runner.create())

    assert job.status == "succeeded"
    opened = other(store).open()
    for text, content in (
        ("A lorry blocks the gate", "Call the yard."),
        ("What of a wet parcel?", "Dry it."),
    ):
        assert (await opened.retrieve(Question(text), WIDE)).retrieved[0].experience.content == content
    assert opened.record.revision == 5
    counts = store.jobs.counts(job.id)
    assert counts.total == counts.completed


async def test_the_bank_is_not_switched_while_any_key_lacks_a_vector(store: Store) -> None:
    bank, embedder = store.create(), HashingEmbedder(64)
    await fill(bank, count=5)
    job = store.jobs.begin(runner_of(store, bank, embedder).create().id)
    way = ReembeddingStore(store.database, bank.id, Target(NEW, None))
    keys = way.bare(after=0)
    made = embed_bare(keys, runner_of(store, bank, embedder)._embedders)
    await apply(bank, Change(Remove(bank.experiences()[0].id)))
    await added(bank, "A parcel is wet", "Dry it.")

    way.keep(job, keys, made)
    not_yet = way.switch(job)
    late = way.bare(after=0)
    way.keep(job, late, embed_bare(late, runner_of(store, bank, embedder)._embedders))
    ended = way.switch(job)

    assert not_yet is None
    assert [key.key.text for key in late] == ["A parcel is wet"]
    assert ended is not None
    assert ended.status == "succeeded"
    with pytest.raises(JobStopped):
        way.switch(job)


async def test_a_bank_that_was_switched_takes_nothing_by_its_old_embedders(store: Store) -> None:
    bank = store.create()
    await fill(bank, count=5)
    runner = runner_of(store, bank, HashingEmbedder(64))
    await runner.run(runner.create())

    with pytest.raises(StoreMismatch, match="ted reembed desk"):
        await added(bank, "A parcel is wet", "Dry it.")

    assert bank.record.revision == 2
    await added(other(store).open(), "A parcel is wet", "Dry it.")
    assert {f for _, f, _ in vectors(store.database)} == {NEW}


async def test_the_file_of_a_bank_knows_nothing_of_vectors_beside_its_own(store: Store) -> None:
    bank = await lived_in(store)
    with store.database.reading() as session:
        before = list(export_lines(session, bank.id))
    job = store.jobs.begin(runner_of(store, bank, HashingEmbedder(64)).create().id)
    way = ReembeddingStore(store.database, bank.id, Target(NEW, None))
    keys = way.bare(after=0)
    way.keep(job, keys, embed_bare(keys, runner_of(store, bank, HashingEmbedder(64))._embedders))

    with store.database.reading() as session:
        meanwhile = list(export_lines(session, bank.id))

    assert meanwhile == before


async def test_a_bank_that_has_these_embedders_already_stays_at_its_revision(store: Store) -> None:
    bank = store.create()
    await fill(bank, count=5)
    runner = runner_of(store, bank, store.text_embedder)

    job = await runner.run(runner.create())

    assert job.status == "succeeded"
    assert job.result is not None
    assert (job.result["keys"], job.result["revision"], bank.record.revision) == (0, 1, 1)


async def test_an_empty_bank_is_switched_too(store: Store) -> None:
    bank = store.create()
    runner = runner_of(store, bank, HashingEmbedder(64))

    assert (await runner.run(runner.create())).status == "succeeded"

    assert other(store).open().record.revision == 1


async def test_a_job_for_other_embedders_than_are_here_rests(store: Store) -> None:
    desk = desk_at(store)
    await fill(store.open(), count=5)
    job = runner_of(store, store.open(), HashingEmbedder(64)).create()

    await run_job(desk, job.id)

    resting = store.jobs.get(job.id)
    assert resting.status == "paused"
    assert resting.reason is not None
    assert "it is for the embedders text 'hashing@1:64', image 'None'" in resting.reason
    there = Desk(other(store), desk.small, desk.large)
    JobControl(store.database, DEFAULT_CALLER).resume(job.id)
    await run_job(there, job.id)
    assert store.jobs.get(job.id).status == "succeeded"


async def test_it_is_a_writing_job_of_its_bank(store: Store) -> None:
    bank = store.create()
    runner = runner_of(store, bank, HashingEmbedder(64))
    job = runner.create()

    with pytest.raises(Conflict, match=f"unfinished reembedding {job.id}"):
        store.jobs.create(bank.id, "compression", request={}, digest="", budget={})
    JobControl(store.database, DEFAULT_CALLER).cancel(job.id)
    store.jobs.create(bank.id, "compression", request={}, digest="", budget={})

    with pytest.raises(Conflict, match="unfinished compression"):
        runner.create()


async def test_other_banks_keep_their_vectors(store: Store) -> None:
    bank, neighbour = store.create(), store.create("neighbour")
    await fill(bank, count=5)
    await fill(neighbour, count=5)
    shown = await retrieved(neighbour, ASKED)
    runner = runner_of(store, bank, HashingEmbedder(64))

    await runner.run(runner.create())

    assert await retrieved(neighbour, ASKED) == shown
    with store.database.reading() as session:
        assert session.get_one(BankRow, neighbour.id).text_fingerprint == OLD
