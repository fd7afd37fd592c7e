"""From keys and questions to vectors by the bank's embedders, and those vectors to rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from index.protocols import ImageEmbedder, TextEmbedder, Vectors
from index.vectors import to_bytes
from ted.bank.key_index import Channel
from ted.bank.rows import key_of
from ted.bank.tables import BankRow, EmbeddingRow, ExperienceRow, KeyRow
from ted.experience import Key
from ted.sample import Image, Question

KeyVectors = dict[Key, dict[str, bytes]]
"""For each key its vectors as stored, by the fingerprint of the embedder."""

QuestionVectors = dict[Channel, Vectors]
"""`text`: one row; `image` and `caption`: one row an image of the question, to search either channel."""


@dataclass(frozen=True, slots=True)
class Embedders:
    """The text embedder, and the image embedder where one is configured."""

    text: TextEmbedder
    image: ImageEmbedder | None

    @property
    def image_fingerprint(self) -> str | None:
        return self.image.fingerprint if self.image else None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of text, and of images if there is such an embedder."""
        return (self.text.fingerprint, *((self.image.fingerprint,) if self.image else ()))

    def are_those_of(self, bank: BankRow) -> bool:
        """Whether the bank, as it stands, has its vectors by these."""
        here = (self.text.fingerprint, self.image_fingerprint)
        return here == (bank.text_fingerprint, bank.image_fingerprint)

    def embed_question(self, question: Question) -> QuestionVectors:
        """By text, and by images where there are any and an embedder for them."""
        vectors: QuestionVectors = {"text": self.text.embed_texts([question.text])}
        if question.images and self.image:
            rows = self.image.embed_images([image.data for image in question.images])
            vectors |= {"image": rows, "caption": rows}
        return vectors


def embed_keys(keys: Sequence[Key], pictures: Mapping[str, Image], embedders: Embedders) -> KeyVectors:
    """Vectors of these keys. A text key gets one by the text embedder, `when_to_use` also one as a caption."""
    texts = [key for key in keys if key.kind != "image"]
    vectors: KeyVectors = {key: {} for key in keys}
    _fill(vectors, texts, embedders.text.fingerprint, embedders.text.embed_texts([k.text for k in texts]))
    if embedders.image is not None:
        wordings = [key for key in texts if key.kind == "when_to_use"]
        captions = embedders.image.embed_captions([key.text for key in wordings])
        _fill(vectors, wordings, embedders.image.fingerprint, captions)
        drawn = [key for key in keys if key.kind == "image"]
        rows = embedders.image.embed_images([pictures[key.image_sha256].data for key in drawn])
        _fill(vectors, drawn, embedders.image.fingerprint, rows)
    return vectors


def _fill(vectors: KeyVectors, keys: Sequence[Key], fingerprint: str, rows: Vectors) -> None:
    for key, row in zip(keys, rows, strict=True):
        vectors[key][fingerprint] = to_bytes(row)


def by_channel(vectors: KeyVectors, embedders: Embedders) -> dict[Channel, Vectors]:
    """The vectors of keys as rows of the channels that they are found in."""
    found: dict[Channel, list[Vectors]] = {}
    for key, made in vectors.items():
        for fingerprint, vector in made.items():
            is_text = fingerprint == embedders.text.fingerprint
            channel: Channel = "text" if is_text else "image" if key.kind == "image" else "caption"
            found.setdefault(channel, []).append(np.frombuffer(vector, dtype="<f4"))
    return {channel: np.stack(rows) for channel, rows in found.items()}


def most_distinct_first(keys: Sequence[Key], vectors: KeyVectors, *, after: Sequence[Key]) -> tuple[Key, ...]:
    """The keys so that each is the one least like those before it and like `after`; ties keep their order.

    Keys of different embedders are not alike at all.
    """
    chosen, left = list(after), list(keys)

    def likeness(key: Key) -> float:
        return max((_cosine(vectors[key], vectors[other]) for other in chosen), default=-1.0)

    while left:
        chosen.append(min(left, key=likeness))
        left.remove(chosen[-1])
    return tuple(chosen[len(after) :])


def _cosine(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> float:
    shared = [f for f in one if f in other]
    if not shared:
        return -1.0
    a, b = (np.frombuffer(v[shared[0]], dtype="<f4") for v in (one, other))
    return float(a @ b)


def store_embeddings(
    session: Session, bank: BankRow, vectors: KeyVectors, *, fingerprints: Sequence[str]
) -> None:
    """Gives each key of the bank that has no vector by these embedders the ones made for it."""
    bare = session.scalars(
        select(KeyRow)
        .join(ExperienceRow, ExperienceRow.id == KeyRow.experience_id)
        .where(
            ExperienceRow.bank_id == bank.id,
            KeyRow.id.not_in(select(EmbeddingRow.key_id).where(EmbeddingRow.fingerprint.in_(fingerprints))),
        )
    ).all()
    for row in bare:
        for fingerprint, vector in vectors.get(key_of(row), {}).items():
            session.add(
                EmbeddingRow(
                    key_id=row.id, fingerprint=fingerprint, project_id=bank.project_id, vector=vector
                )
            )
