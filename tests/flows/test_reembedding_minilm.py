"""A bank of the hashing embedder brought to real MiniLM: what only meaning tells apart is found then."""

from __future__ import annotations

from index.embedders.sentence import PACKAGED, SentenceEmbedder
from ted.bank.bank import Bank
from ted.sample import Question
from ted.settings import RetrievalSettings
from tests.reembedding import runner_of
from tests.stores import Store, added

KNOWN = {
    "Somebody lost the card that opens the doors": "Queue BA-2.",
    "An apparatus that puts text on paper is stuck": "Queue FX-31.",
    "A customer wants the money back": "Queue RE-9.",
}
PARAPHRASES = {
    "My access badge has gone missing.": "Queue BA-2.",
    "The printer is jammed.": "Queue FX-31.",
    "Please refund my purchase.": "Queue RE-9.",
}


async def found(bank: Bank) -> dict[str, tuple[str, float]]:
    """What is found first for each paraphrase, and how near it is."""
    nearest = {}
    for text in PARAPHRASES:
        settings = RetrievalSettings(k=1, min_similarity=-2.0)
        (first,) = (await bank.retrieve(Question(text), settings)).retrieved
        nearest[text] = (first.experience.content, round(first.similarity.fused, 4))
    return nearest


async def test_a_bank_of_hashed_words_is_searched_by_meaning_once_it_is_embedded_anew(store: Store) -> None:
    minilm = SentenceEmbedder(PACKAGED)
    there = Store(store.database, minilm, None)
    hashed, fresh = store.create("hashed"), there.create("fresh")
    for bank in (hashed, fresh):
        for when_to_use, content in KNOWN.items():
            await added(bank, when_to_use, content)
    before = await found(hashed)
    runner = runner_of(store, hashed, minilm)

    job = await runner.run(runner.create())

    assert job.status == "succeeded"
    after = await found(there.open("hashed"))
    assert after == await found(fresh)
    assert {text: content for text, (content, _) in after.items()} == PARAPHRASES
    assert {text: content for text, (content, _) in before.items()} != PARAPHRASES
