"""The index of a bank follows the store: across objects and processes, after a restart, and never with other vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import select, update

from index.embedders.hashing import HashingEmbedder
from index.embedders.thumbnails import ThumbnailEmbedder
from index.errors import DimensionMismatch
from index.exact_index import ExactIndex
from index.faiss_index import FaissIndex
from index.protocols import VectorIndex
from index.vectors import from_bytes
from ted.bank.bank import Bank
from ted.bank.changes import Change, SetStatus
from ted.bank.database import Database
from ted.bank.tables import BankRow, EmbeddingRow, ExperienceRow, ImageRow, KeyRow
from ted.errors import NotFound, StoreMismatch
from ted.experience import Key
from ted.ids import new_id
from ted.operations import Add, Merge, Remove, Rewrite
from ted.sample import Image, Question
from ted.settings import RetrievalSettings
from tests.drawings import draw
from tests.stores import BY_HAND, Store, added, apply

pytestmark = pytest.mark.each_store

QUESTION = Question("Where is the key of the red door?")
ANY = RetrievalSettings(min_similarity=-2.0, gap=2.0)


async def found(bank: Bank, question: Question = QUESTION) -> set[str]:
    return {r.experience.id for r in (await bank.retrieve(question, ANY)).retrieved}


def picture(colour: str, *, seed: int = 1) -> Image:
    data = draw(colour, "circle", seed=seed)
    return Image(f"{colour}-{seed}", "image/png", data)


async def test_each_key_is_stored_with_the_vector_and_fingerprint_of_its_embedder(bank: Bank) -> None:
    await added(bank, "A red door is locked", "Use key R1.", QUESTION.text)

    with bank.database.reading() as session:
        rows = session.execute(
            select(KeyRow.text, EmbeddingRow.fingerprint, EmbeddingRow.vector)
            .join(EmbeddingRow, EmbeddingRow.key_id == KeyRow.id)
            .order_by(KeyRow.id)
        ).all()
    embedder = HashingEmbedder()
    assert [row.text for row in rows] == ["A red door is locked", QUESTION.text]
    assert {row.fingerprint for row in rows} == {embedder.fingerprint}
    expected = embedder.embed_texts([row.text for row in rows])
    np.testing.assert_array_equal([from_bytes(row.vector, embedder.dimension) for row in rows], expected)


@pytest.mark.parametrize("new_index", [ExactIndex, FaissIndex])
async def test_every_change_is_seen_by_the_next_retrieval(
    store: Store, new_index: Callable[[int], VectorIndex]
) -> None:
    store.create()
    bank = store.open(new_index=new_index)
    assert await found(bank) == set()

    one = await added(bank, "A red door is locked", "Use key R1.", QUESTION.text)
    other = await added(bank, "A blue door is locked", "Use key B1.")
    assert await found(bank) == {one.id, other.id}

    await apply(bank, Change(Rewrite(one.id, "A red gate is locked", "Use key R2.")))
    retrieved = (await bank.retrieve(QUESTION, ANY)).by_label("E1")
    assert retrieved is not None
    assert (retrieved.experience.id, retrieved.experience.content) == (one.id, "Use key R2.")

    await apply(bank, Change(Remove(other.id)))
    assert await found(bank) == {one.id}

    await apply(bank, Change(SetStatus(other.id, "active")))
    assert await found(bank) == {one.id, other.id}

    await apply(bank, Change(Merge((one.id, other.id), "Any door is locked", "Use R2 or B1.")))
    (child,) = bank.experiences()
    assert await found(bank) == {child.id}


async def test_what_another_process_writes_is_seen_by_the_next_retrieval(
    store: Store, store_url: str
) -> None:
    here = store.create()
    there_store = Store.at(store_url)
    there = there_store.open()
    assert await found(here) == set()

    experience = await added(there, "A red door is locked", "Use key R1.")

    assert await found(here) == {experience.id}
    assert (await here.retrieve(QUESTION)).revision == there.record.revision == 1
    there_store.database.close()


async def test_the_lag_of_an_index_is_told_until_it_is_asked(store: Store) -> None:
    bank = store.create()
    await added(bank, "A red door is locked", "Use key R1.", "Where?")

    before = bank.index_health()
    await bank.retrieve(QUESTION)
    after = bank.index_health()

    assert (before["store_revision"], before["revision_lag"], before["keys"]) == (1, 1, 0)
    assert (after["index_revision"], after["revision_lag"], after["keys"]) == (1, 0, 2)


async def test_a_bank_opened_again_retrieves_the_very_same(store: Store) -> None:
    bank = store.create()
    for n in range(30):
        await added(bank, f"Situation {n} of the {n % 7} kind", f"Do thing {n}.", f"What about case {n}?")
    await apply(bank, Change(Remove(bank.experiences()[3].id)))
    await apply(bank, Change(Rewrite(bank.experiences()[5].id, "Another situation", "Do that.")))
    asked = [Question(f"What about the case {n}?") for n in range(8)]
    grown = [await bank.retrieve(q, ANY) for q in asked]

    rebuilt = store.open()

    assert [await rebuilt.retrieve(q, ANY) for q in asked] == grown


async def test_a_store_that_went_back_is_read_anew(store: Store) -> None:
    """As after restoring a copy: revisions are lower than what the index has seen."""
    bank = store.create()
    first = await added(bank, "A red door is locked", "Use key R1.")
    second = await added(bank, "A blue door is locked", "Use key B1.")
    assert await found(bank) == {first.id, second.id}
    with bank.database.writing() as session:
        session.delete(session.get_one(ExperienceRow, second.id))
        session.execute(update(BankRow).values(revision=1))

    assert await found(bank) == {first.id}
    assert bank.index_health()["revision_lag"] == 0


def test_a_bank_of_another_text_embedder_is_refused_with_what_to_do(store: Store) -> None:
    store.create()
    other = Store(store.database, HashingEmbedder(64), None)

    with pytest.raises(StoreMismatch) as refused:
        other.open()

    message = str(refused.value)
    assert "'hashing@1:256'" in message
    assert "'hashing@1:64'" in message
    assert "set TED_TEXT_EMBEDDER" in message


def test_a_bank_of_images_is_refused_without_its_image_embedder(pictured: Store) -> None:
    pictured.create()
    without = Store(pictured.database, pictured.text_embedder, None)

    with pytest.raises(StoreMismatch, match="set TED_IMAGE_EMBEDDER"):
        without.open()


async def test_a_bank_made_without_images_stays_so(store: Store, pictured: Store) -> None:
    """Otherwise only its newer keys had vectors of images and captions."""
    store.create()
    opened = pictured.open("desk")
    image = picture("red")

    await opened.apply(
        [Change(Add("A red circle", "Say red."), (Key("image", image_sha256=image.sha256),))],
        BY_HAND,
        images=[image],
    )

    (retrieved,) = (await opened.retrieve(Question("A red circle?", (image,)), ANY)).retrieved
    assert retrieved.similarity.image is retrieved.similarity.image_text is None
    with store.database.reading() as session:
        assert set(session.scalars(select(EmbeddingRow.fingerprint))) == {store.text_embedder.fingerprint}
    assert await found(store.open()) == {retrieved.experience.id}


async def test_vectors_of_another_embedder_stand_for_none(bank: Bank, store: Store) -> None:
    await added(bank, "A red door is locked", "Use key R1.")
    with bank.database.writing() as session:
        session.execute(update(EmbeddingRow).values(fingerprint="minilm@9"))

    with pytest.raises(StoreMismatch, match=r"has no vector by 'hashing@1:256'.*`ted reembed`"):
        await store.open().retrieve(QUESTION)


@pytest.mark.parametrize("blob", [b"\0" * 4 * 255, b"\0" * 7, b""])
async def test_a_vector_of_a_wrong_dimension_is_told_and_mended_by_what_is_right(
    bank: Bank, blob: bytes
) -> None:
    await added(bank, "A red door is locked", "Use key R1.")
    with bank.database.writing() as session:
        sound = session.scalars(select(EmbeddingRow.vector)).one()
        session.execute(update(EmbeddingRow).values(vector=blob))

    with pytest.raises(DimensionMismatch, match="1024 bytes"):
        await bank.retrieve(QUESTION)

    with bank.database.writing() as session:
        session.execute(update(EmbeddingRow).values(vector=sound))
    assert len(await found(bank)) == 1


async def test_a_key_id_is_never_used_twice(bank: Bank) -> None:
    experience = await added(bank, "A red door is locked", "Use key R1.")
    with bank.database.reading() as session:
        before = session.scalars(select(KeyRow.id)).one()

    await apply(bank, Change(Rewrite(experience.id, "A red gate", "Use key R1.")))

    with bank.database.reading() as session:
        assert session.scalars(select(KeyRow.id)).one() > before


async def test_an_image_is_stored_once_and_is_a_key(pictured: Store) -> None:
    bank, image = pictured.create(), picture("red")
    key = Key("image", image_sha256=image.sha256)
    for content in ("Say red.", "Say crimson."):
        await bank.apply([Change(Add("A circle", content), (key,))], BY_HAND, images=[image, image])

    with bank.database.reading() as session:
        assert session.scalars(select(ImageRow.sha256)).all() == [image.sha256]
    assert all(key in e.keys for e in bank.experiences())
    nearest = (await bank.retrieve(Question("A circle?", (picture("red", seed=2),)), ANY)).retrieved[0]
    assert nearest.similarity.image is not None
    assert nearest.similarity.image_text is not None


async def test_a_key_whose_image_nobody_sent_is_refused_and_nothing_is_changed(pictured: Store) -> None:
    bank = pictured.create()

    with pytest.raises(NotFound, match="image deadbeef is not in this store"):
        await apply(bank, Change(Add("A circle", "Say red."), (Key("image", image_sha256="deadbeef"),)))

    assert bank.record.revision == 0


async def test_a_deleted_bank_is_gone_with_everything_in_it_and_others_stay(store: Store, bank: Bank) -> None:
    other = store.create("other")
    kept = await added(other, "A red door is locked", "Use key R1.")
    await added(bank, "A blue door is locked", "Use key B1.")
    await bank.retrieve(QUESTION)

    store.banks.delete(bank.id)

    assert [row["name"] for row in store.banks.list()] == ["other"]
    assert await found(other) == {kept.id}
    with store.database.reading() as session:
        assert {k.experience_id for k in session.scalars(select(KeyRow))} == {kept.id}
    with pytest.raises(NotFound, match="ted bank list"):
        await bank.retrieve(QUESTION)
    with pytest.raises(NotFound, match="no bank 'desk'"):
        store.banks.find("desk")


def test_ids_carry_their_kind_and_sort_by_the_time_they_were_made() -> None:
    ids = [new_id("exp") for _ in range(2000)]

    assert ids == sorted(set(ids))
    assert all(i.startswith("exp_") and len(i) == 30 for i in ids)


def test_a_write_that_fails_leaves_nothing_and_gives_the_lock_back(store_url: str) -> None:
    database = Database(store_url)

    def half_of_a_write() -> None:
        with database.writing() as session:
            session.execute(update(BankRow).values(revision=9))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        half_of_a_write()
    with database.writing() as session:
        assert session.scalars(select(BankRow).where(BankRow.revision == 9)).all() == []
    database.close()


def test_the_thumbnail_embedder_tells_colours_apart() -> None:
    """Else the tests above could not fail."""
    red, red_too, blue = ThumbnailEmbedder().embed_images(
        [picture("red").data, picture("red").data, picture("blue").data]
    )

    assert float(red @ red_too) > float(red @ blue) + 1e-3
