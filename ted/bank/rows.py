"""Between rows and values: experiences and their keys, images. Used inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast, get_args

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ted.bank.tables import ExperienceRow, ImageRow, KeyRow
from ted.errors import NotFound
from ted.experience import Experience, Key, KeyKind, Status
from ted.sample import Image

MOST_KEYS = 8
"""Keys an experience has at most."""


def key_of(row: KeyRow) -> Key:
    """The value of a key row."""
    return Key(cast(KeyKind, row.kind), row.text, row.image_sha256 or "")


def status_of(value: str) -> Status:
    """The status of that name; a name from the database is one of them."""
    if value not in get_args(Status):
        raise ValueError(f"{value!r} is no status of an experience")
    return cast(Status, value)


def tag_of(row: ExperienceRow) -> str:
    """Changes whenever the experience does: its version, and the revision at which it last changed."""
    return f"{row.version}.{row.updated_revision}"


def experiences_of(session: Session, rows: Sequence[ExperienceRow]) -> list[Experience]:
    """Values of these rows, in their order, with their keys."""
    keys: dict[str, list[Key]] = {row.id: [] for row in rows}
    for key in session.scalars(
        select(KeyRow).where(KeyRow.experience_id.in_(list(keys))).order_by(KeyRow.id)
    ):
        keys[key.experience_id].append(key_of(key))
    return [
        Experience(
            id=row.id,
            version=row.version,
            when_to_use=row.when_to_use,
            content=row.content,
            status=status_of(row.status),
            pinned=row.pinned,
            tags=tuple(row.tags),
            keys=tuple(keys[row.id]),
            student=row.student,
        )
        for row in rows
    ]


def keys_of(session: Session, experience_id: str) -> tuple[Key, ...]:
    """The keys of an experience, oldest first."""
    rows = session.scalars(select(KeyRow).where(KeyRow.experience_id == experience_id).order_by(KeyRow.id))
    return tuple(key_of(row) for row in rows)


def put_keys(session: Session, row: ExperienceRow, keys: Iterable[Key]) -> None:
    """Exactly these keys, in this order, for an experience that has none at this moment."""
    for key in keys:
        session.add(_key_row(row, key))
        session.flush()  # one at a time: key ids follow the order of keys


def set_keys(session: Session, row: ExperienceRow, keys: Iterable[Key]) -> None:
    """Gives a new experience its `when_to_use` key and these, MOST_KEYS in all."""
    session.add(_key_row(row, Key("when_to_use", row.when_to_use)))
    session.flush()
    add_keys(session, row, keys)


def add_keys(session: Session, row: ExperienceRow, keys: Iterable[Key]) -> bool:
    """Adds the keys that are not there yet, up to MOST_KEYS in all; whether any was added."""
    there = [key_of(k) for k in session.scalars(select(KeyRow).where(KeyRow.experience_id == row.id))]
    fresh = [k for k in dict.fromkeys(keys) if k not in there and k.kind != "when_to_use"]
    fresh = fresh[: max(0, MOST_KEYS - len(there))]
    for key in fresh:
        session.add(_key_row(row, key))
        session.flush()  # one at a time: key ids follow the order of keys
    return bool(fresh)


def replace_wording_key(session: Session, row: ExperienceRow) -> None:
    """After a rewrite: the old `when_to_use` key goes, the new one comes, under an id of its own."""
    session.execute(delete(KeyRow).where(KeyRow.experience_id == row.id, KeyRow.kind == "when_to_use"))
    session.add(_key_row(row, Key("when_to_use", row.when_to_use)))
    session.flush()


def _key_row(row: ExperienceRow, key: Key) -> KeyRow:
    return KeyRow(
        project_id=row.project_id,
        experience_id=row.id,
        kind=key.kind,
        text=key.text,
        image_sha256=key.image_sha256 or None,
    )


def store_images(session: Session, project_id: str, images: Iterable[Image]) -> None:
    """Keeps the bytes of images that are not kept yet."""
    for image in images:
        if session.get(ImageRow, (project_id, image.sha256)) is None:
            session.add(
                ImageRow(
                    project_id=project_id,
                    sha256=image.sha256,
                    media_type=image.media_type,
                    data=image.data,
                )
            )
            session.flush()


def load_images(session: Session, project_id: str, hashes: Iterable[str]) -> tuple[Image, ...]:
    """The images of these hashes, in order. Raises NotFound for one that is not kept."""
    found = []
    for sha256 in hashes:
        row = session.get(ImageRow, (project_id, sha256))
        if row is None:
            raise NotFound(f"image {sha256} is not in this store: send it again")
        found.append(Image(row.sha256, row.media_type, row.data))
    return tuple(found)
