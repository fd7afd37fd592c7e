"""Retrieval of a bank from the outside: what is found, in which order, how many, and when nothing is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from index.faiss_index import FaissIndex
from index.protocols import Vectors
from index.vectors import unit
from ted.bank.bank import Bank
from ted.bank.changes import Change, SetStatus
from ted.bank.scoring import Keys, best_by_owner, calibrate
from ted.experience import Experience, Key, Retrieval
from ted.operations import Add
from ted.sample import Image, Question
from ted.settings import RetrievalSettings
from ted.tokens import estimated_tokens
from tests.drawings import draw
from tests.stores import BY_HAND, Store, added, apply

pytestmark = pytest.mark.each_store

EVERYTHING = RetrievalSettings(k=50, gap=2.0, min_similarity=-2.0, token_budget=100_000)
TOPICS = (
    ("A parcel is lost", "Ask for the tracking number.", "Where has my parcel gone?"),
    ("A laptop does not start", "Hold the power button for ten seconds.", "Why is the screen of the laptop black?"),
    ("An invoice is wrong", "Open a ticket with accounting.", "Who corrects the sum on this invoice?"),
    ("A badge is forgotten", "Hand out a day pass.", "How do I get in without my badge?"),
    ("A plant looks dry", "Water it with half a litre.", "What does the fern by the window need?"),
)  # fmt: skip


def ids(retrieval: Retrieval) -> list[str]:
    return [r.experience.id for r in retrieval.retrieved]


@pytest.fixture
async def topics(bank: Bank) -> list[Experience]:
    return [await added(bank, *topic) for topic in TOPICS]


async def test_each_question_finds_its_own_experience_first(bank: Bank, topics: list[Experience]) -> None:
    for experience, (_, _, question) in zip(topics, TOPICS, strict=True):
        retrieval = await bank.retrieve(Question(question))

        assert not retrieval.abstained
        assert ids(retrieval)[0] == experience.id
        assert retrieval.retrieved[0].similarity.fused == retrieval.best_similarity
        assert retrieval.revision == len(topics)


async def test_an_experience_is_as_near_as_its_nearest_key(bank: Bank, topics: list[Experience]) -> None:
    """The question is a source of the last topic and nothing like its `when_to_use`."""
    retrieval = await bank.retrieve(Question("What does the fern by the window need?"), EVERYTHING)

    assert retrieval.retrieved[0].experience.id == topics[-1].id
    assert retrieval.retrieved[0].similarity.text == pytest.approx(1.0, abs=1e-5)


async def test_labels_count_from_one_best_first(bank: Bank, topics: list[Experience]) -> None:
    retrieval = await bank.retrieve(Question("Where has my parcel gone?"), EVERYTHING)

    assert [r.label for r in retrieval.retrieved] == ["E1", "E2", "E3", "E4", "E5"]
    similarities = [r.similarity.fused for r in retrieval.retrieved]
    assert similarities == sorted(similarities, reverse=True)
    assert retrieval.by_label("E1") == retrieval.retrieved[0]
    assert retrieval.by_label("E6") is None


async def test_an_empty_bank_abstains(bank: Bank) -> None:
    retrieval = await bank.retrieve(Question("Where has my parcel gone?"), EVERYTHING)

    assert (retrieval.retrieved, retrieval.abstained, retrieval.best_similarity) == ((), True, None)


@pytest.mark.parametrize("foreign", ["Which composer wrote The Planets?", "Ist heute Markt?", "17 * 23"])
async def test_nothing_is_shown_for_a_foreign_question(
    bank: Bank, topics: list[Experience], foreign: str
) -> None:
    retrieval = await bank.retrieve(Question(foreign))

    assert retrieval.abstained
    assert retrieval.retrieved == ()
    assert retrieval.best_similarity is not None
    assert retrieval.best_similarity < retrieval.min_similarity


async def test_a_minimum_that_is_set_takes_the_place_of_the_measured_one(
    bank: Bank, topics: list[Experience]
) -> None:
    question = Question("Where has my parcel gone?")

    assert (await bank.retrieve(question, RetrievalSettings(min_similarity=0.99))).retrieved != ()
    strict = await bank.retrieve(question, RetrievalSettings(min_similarity=1.5))
    assert (strict.abstained, strict.min_similarity) == (True, 1.5)


async def test_k_is_a_maximum_and_the_gap_may_cut_before(bank: Bank, topics: list[Experience]) -> None:
    question = Question("Where has my parcel gone?")

    wide = RetrievalSettings(k=3, gap=2.0, min_similarity=-2.0)
    narrow = RetrievalSettings(k=3, gap=0.05, min_similarity=-2.0)

    assert len(ids(await bank.retrieve(question, wide))) == 3
    assert ids(await bank.retrieve(question, narrow)) == [topics[0].id]


@pytest.mark.parametrize("budget", [1, 15, 40, 80, 1000])
async def test_the_token_budget_is_kept_and_no_experience_is_cut(
    bank: Bank, topics: list[Experience], budget: int
) -> None:
    await added(bank, "A parcel is late", "Wait. " * 60, "Where is my late parcel?")
    whole = {e.id: e for e in bank.experiences()}

    settings = RetrievalSettings(k=50, gap=2.0, min_similarity=-2.0, token_budget=budget)
    retrieval = await bank.retrieve(Question("Where is my late parcel?"), settings)

    assert sum(estimated_tokens(r.experience.text) for r in retrieval.retrieved) <= budget
    assert all(r.experience == whole[r.experience.id] for r in retrieval.retrieved)
    assert [r.label for r in retrieval.retrieved] == [f"E{n}" for n in range(1, len(retrieval.retrieved) + 1)]
    assert len(retrieval.retrieved) == {1: 0, 15: 1, 40: 3, 80: 5, 1000: 6}[budget]


async def test_a_filter_of_one_in_a_hundred_hides_nothing_that_matches(store: Store) -> None:
    """The two that match are the least like the question of all two hundred."""
    store.create()
    bank = store.open(new_index=FaissIndex)
    near = [
        Change(Add(f"A parcel is lost in city {n}", f"Ask depot {n}."), (Key("question", f"Parcel {n}?"),))
        for n in range(198)
    ]
    await apply(
        bank,
        *near,
        Change(Add("Ferns", "Water."), tags=("x", "y")),
        Change(Add("Moss", "Mist."), tags=("x",)),
    )
    question = Question("A parcel is lost in city 7")

    unfiltered = await bank.retrieve(question, EVERYTHING)
    one_tag = await bank.retrieve(question, EVERYTHING, tags=["x"])
    both_tags = await bank.retrieve(question, EVERYTHING, tags=["x", "y"])
    none = await bank.retrieve(question, EVERYTHING, tags=["z"])

    assert len(unfiltered.retrieved) == 50
    assert {r.experience.when_to_use for r in one_tag.retrieved} == {"Ferns", "Moss"}
    assert [r.experience.when_to_use for r in both_tags.retrieved] == ["Ferns"]
    assert none.retrieved == ()


async def test_candidates_are_served_only_where_they_are_asked_for(
    bank: Bank, topics: list[Experience]
) -> None:
    await apply(bank, Change(SetStatus(topics[0].id, "candidate")))
    question = Question("Where has my parcel gone?")

    assert topics[0].id not in ids(await bank.retrieve(question, EVERYTHING))
    assert ids(await bank.retrieve(question, EVERYTHING, status=["candidate"])) == [topics[0].id]
    assert ids(await bank.retrieve(question, EVERYTHING, status=["active", "candidate"]))[0] == topics[0].id


@pytest.mark.parametrize("status", ["quarantined", "rejected", "retired"])
async def test_what_is_not_served_is_not_found(bank: Bank, topics: list[Experience], status: str) -> None:
    await apply(bank, Change(SetStatus(topics[0].id, status)))  # type: ignore[arg-type]

    assert topics[0].id not in ids(await bank.retrieve(Question("Where has my parcel gone?"), EVERYTHING))


async def test_ties_fall_by_the_older_experience_every_time(bank: Bank) -> None:
    twins = [await added(bank, "A parcel is lost", f"Answer {n}.") for n in range(6)]

    found = [ids(await bank.retrieve(Question("A parcel is lost"), EVERYTHING)) for _ in range(3)]

    assert found == [[twin.id for twin in twins]] * 3


async def test_concurrent_questions_get_their_own_experiences(bank: Bank, topics: list[Experience]) -> None:
    asked = [Question(question) for _, _, question in TOPICS] * 4

    found = await asyncio.gather(*(bank.retrieve(question) for question in asked))

    assert [ids(r)[0] for r in found] == [e.id for e in topics] * 4


class Planted:
    """A TextEmbedder that was told the vector of each text; others get random ones."""

    fingerprint = "planted@1"
    dimension = 48

    def __init__(self, rows: dict[str, np.ndarray]) -> None:
        self._rows = rows

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        chance = np.random.default_rng(len(texts))
        rows = [self._rows.get(text, chance.normal(size=self.dimension)) for text in texts]
        return unit(np.asarray(rows).reshape(len(texts), self.dimension))


async def test_candidates_recall_what_scoring_everything_exactly_finds(store: Store) -> None:
    """600 experiences of 3 keys in 40 topics, all sharing a template that is most of each vector."""
    chance = np.random.default_rng(11)
    template = chance.normal(size=Planted.dimension) * 2
    middles = chance.normal(size=(40, Planted.dimension)) * 1.3
    rows = {
        f"key {e}.{k}": template + middles[e % 40] + chance.normal(size=Planted.dimension) * 0.8
        for e in range(600)
        for k in range(3)
    }
    asked = {
        f"question {n}": template + middles[n] + chance.normal(size=Planted.dimension) * 0.8
        for n in range(40)
    }
    embedder = Planted(rows | asked)
    planted = Store(store.database, embedder, None)
    bank = Bank(
        planted.create().id, database=store.database, text_embedder=embedder, image_embedder=None,
        new_index=FaissIndex,
    )  # fmt: skip
    await apply(
        bank,
        *(
            Change(Add(f"key {e}.0", "Do."), (Key("question", f"key {e}.1"), Key("question", f"key {e}.2")))
            for e in range(600)
        ),
    )

    vectors = embedder.embed_texts(list(rows))
    owners = np.repeat(np.arange(600), 3)
    none = Keys(np.zeros((0, 1), dtype=np.float32), np.zeros(0, dtype=np.int64))
    calibration = calibrate(Keys(vectors, owners), none, none)
    middle = Keys(calibration.text_centred(vectors), owners)
    order = [e.id for e in bank.experiences()]
    hits = total = 0
    for text in asked:
        question = calibration.text_centred(embedder.embed_texts([text]))
        exact = best_by_owner(question, middle, calibration.text, 600)
        best = {order[n] for n in np.argsort(-exact)[:4]}
        settings = RetrievalSettings(k=4, gap=2.0, min_similarity=-2.0)
        found = await bank.retrieve(Question(text), settings)
        hits += len(best & set(ids(found)))
        total += len(best)

    assert hits / total >= 0.98


async def test_images_decide_where_the_words_are_the_same(pictured: Store) -> None:
    bank = pictured.create()
    images = {
        colour: Image(colour, "image/png", draw(colour, "circle", seed=1))
        for colour in ("red", "blue", "green")
    }
    for colour, image in images.items():
        key = Key("image", image_sha256=image.sha256)
        await bank.apply(
            [Change(Add("A circle is shown", f"Say {colour}."), (key,))], BY_HAND, images=[image]
        )

    for colour in images:
        again = Image("again", "image/png", draw(colour, "circle", seed=1))
        retrieval = await bank.retrieve(Question("What is shown?", (again,)), EVERYTHING)
        assert retrieval.retrieved[0].experience.content == f"Say {colour}."

    blind = await bank.retrieve(Question("What is shown?"), EVERYTHING)
    assert {r.similarity.image for r in blind.retrieved} == {None}
    assert {r.similarity.image_text for r in blind.retrieved} == {None}


async def test_experiences_without_an_image_have_no_image_similarity(pictured: Store) -> None:
    bank = pictured.create()
    await added(bank, "A circle is shown", "Say circle.")
    image = Image("red", "image/png", draw("red", "circle", seed=1))

    (found,) = (await bank.retrieve(Question("A circle?", (image,)), EVERYTHING)).retrieved

    assert found.similarity.image is None
    assert found.similarity.image_text is not None
    assert found.similarity.text is not None
    expected = (found.similarity.text + found.similarity.image_text) / 2
    assert found.similarity.fused == pytest.approx(expected, abs=1e-6)


async def test_would_find_tells_a_wording_near_the_question_from_a_general_one(
    bank: Bank, topics: list[Experience]
) -> None:
    settings = RetrievalSettings()
    question = Question("Which courier brings the heavy crates of apples?")

    assert await bank.would_find(question, "Which courier brings crates of apples", settings)
    assert not await bank.would_find(question, "Something has to be decided", settings)


async def test_a_wording_further_away_than_what_is_there_would_not_be_found(
    bank: Bank, topics: list[Experience]
) -> None:
    """The experience made from the very question stands before it, by more than the gap."""
    question = Question("Where has my parcel gone?")
    wording, settings = "A parcel has gone to a neighbour", RetrievalSettings(gap=0.0)

    assert not await bank.would_find(question, wording, settings)
    assert await bank.would_find(question, wording, settings, leaving_out=[topics[0].id])
