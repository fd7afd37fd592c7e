"""Writes a bank that was read from a file, in one transaction; vectors by other embedders are made anew before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from index.errors import DimensionMismatch
from index.vectors import from_bytes
from ted.bank.banks import check_may_make, check_name
from ted.bank.caller import Caller
from ted.bank.changes import Change, HoldBack, Occasion
from ted.bank.contents import Contents, KeyLine, Row, read_contents
from ted.bank.database import Database
from ted.bank.embedding import Embedders, embed_keys
from ted.bank.holding import SERVED, quarantine_of
from ted.bank.job_tables import JobRow
from ted.bank.portable import TABLES
from ted.bank.rows import store_images
from ted.bank.tables import BankRow, EmbeddingRow, ExperienceRow, KeyRow
from ted.bank.writer import Writer
from ted.errors import BadBankFile, Conflict, NotFound
from ted.experience import Key
from ted.ids import new_id
from ted.injections import Injection, injection_in_experience

OnConflict = Literal["refuse", "replace", "copy"]
"""What is done where the store has a bank of that name, or one of the file's experiences.

`refuse`: nothing. `replace`: the bank of that name goes, with everything in it. `copy`: the experiences get ids of
their own, so that the bank they came from can stay.
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was (or, in a dry run, would be) imported; `embedded` keys got their vectors anew. No id in a dry run.

    `quarantined`: experiences that are not served before somebody reviewed them; that is a revision of its own.
    """

    bank_id: str | None
    name: str
    revision: int
    experiences: int
    keys: int
    embedded: int
    images: int
    exposures: int
    quarantined: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def import_bank(
    file: Iterable[bytes],
    *,
    database: Database,
    caller: Caller,
    embedders: Embedders,
    name: str | None = None,
    on_conflict: OnConflict = "refuse",
    dry_run: bool = False,
) -> Imported:
    """The bank of the file, under its own name or `name`; all of it, or nothing.

    Raises BadBankFile, Conflict, BadInput for a name that cannot be used, NotFound where there is nothing to replace.
    """
    contents = read_contents(file)
    name = contents.bank["name"] if name is None else name
    check_name(name)
    check_may_make(caller)
    with database.reading() as session:
        _make_room(session, contents, name, on_conflict, caller.project_id, really=False)
    here = Embedders(embedders.text, embedders.image if contents.bank["image_fingerprint"] else None)
    anew = [line.key for line in contents.keys if _lacking(line, here)]
    bank_id, suspects = None, _suspects(contents)
    if not dry_run:
        made = embed_keys(sorted(set(anew), key=repr), contents.images, here)
        with database.writing() as session:
            _make_room(session, contents, name, on_conflict, caller.project_id, really=True)
            bank_id = _write(session, contents, name, on_conflict, caller.project_id, here, made, suspects)
    return Imported(
        bank_id,
        name,
        contents.bank["revision"] + bool(suspects),
        experiences=len(contents.rows["experience"]),
        keys=len(contents.keys),
        embedded=len(anew),
        images=len(contents.images),
        exposures=len(contents.rows["exposure"]),
        quarantined=len(suspects),
    )


def _make_room(
    session: Session, contents: Contents, name: str, on_conflict: OnConflict, project_id: str, *, really: bool
) -> None:
    there = session.scalar(select(BankRow).where(BankRow.name == name, BankRow.project_id == project_id))
    if there is None and on_conflict == "replace":
        raise NotFound(f"there is no bank '{name}' to replace: import it without that")
    if there is not None and on_conflict != "replace":
        raise Conflict(
            f"there is a bank '{name}' already: give another name, or say that it is to be replaced"
        )
    if there is not None:
        busy = select(JobRow.id).where(JobRow.bank_id == there.id, JobRow.status.in_(("queued", "running")))
        if job := session.scalar(busy.limit(1)):
            raise Conflict(f"bank '{name}' has the unfinished job {job}: let it finish first")
    if on_conflict != "copy":
        replaced = there.id if there else None
        for row in contents.rows["experience"]:
            known = session.get(ExperienceRow, row["id"])
            if known is not None and known.bank_id != replaced:
                where = f", in bank {known.bank_id}" if known.project_id == project_id else ""
                raise Conflict(f"experience {row['id']} is in this store already{where}: import it as a copy")
    if there is not None and really:
        session.delete(there)
        session.flush()


def _lacking(line: KeyLine, embedders: Embedders) -> bool:
    """Whether the file has not all the vectors that this key needs here."""
    text, image = embedders.text, embedders.image
    wanted: dict[str, int] = {}
    if line.key.kind != "image":
        wanted[text.fingerprint] = text.dimension
    if image is not None and line.key.kind in ("image", "when_to_use"):
        wanted[image.fingerprint] = image.dimension
    try:
        for fingerprint, dimension in wanted.items():
            if fingerprint not in line.vectors:
                return True
            if not np.isfinite(from_bytes(line.vectors[fingerprint], dimension)).all():
                raise BadBankFile(line.number, f"the vector by '{fingerprint}' is not finite")
    except DimensionMismatch as error:
        raise BadBankFile(line.number, str(error)) from error
    return False


def _write(
    session: Session,
    contents: Contents,
    name: str,
    on_conflict: OnConflict,
    project_id: str,
    embedders: Embedders,
    made: dict[Key, dict[str, bytes]],
    suspects: dict[str, Injection],
) -> str:
    keeps_id = name == contents.bank["name"] and session.get(BankRow, contents.bank["id"]) is None
    bank_id = contents.bank["id"] if keeps_id and on_conflict == "refuse" else new_id("bank")
    bank = BankRow(
        **contents.bank
        | {
            "id": bank_id,
            "name": name,
            "project_id": project_id,
            "text_fingerprint": embedders.text.fingerprint,
            "image_fingerprint": embedders.image_fingerprint,
        }
    )
    session.add(bank)
    session.flush()
    store_images(session, project_id, contents.images.values())
    copied = on_conflict == "copy"
    ids = {r["id"]: new_id("exp") if copied else r["id"] for r in contents.rows["experience"]}
    for kind, table in TABLES.items():
        if kind not in ("bank", "image", "key"):
            session.add_all(table(**_here(row, kind, ids, bank, copied)) for row in contents.rows[kind])
            session.flush()
    for line in contents.keys:
        key = KeyRow(**_here(line.row, "key", ids, bank, copied))
        session.add(key)
        session.flush()
        vectors = made.get(line.key) or {
            f: line.vectors[f] for f in embedders.fingerprints if f in line.vectors
        }
        for fingerprint, vector in vectors.items():
            session.add(
                EmbeddingRow(key_id=key.id, fingerprint=fingerprint, project_id=project_id, vector=vector)
            )
    if suspects:
        changes = [
            Change(HoldBack(ids[i], quarantine_of(found)), provenance={"by": "import"})
            for i, found in suspects.items()
        ]
        Writer(session, bank, bank.revision).apply(changes, Occasion("import"))
    return bank_id


def _suspects(contents: Contents) -> dict[str, Injection]:
    """What would be served of the file and gives the model orders, whatever the file says of a review."""
    found = {
        row["id"]: injection_in_experience(row["when_to_use"], row["content"])
        for row in contents.rows["experience"]
        if row["status"] in SERVED
    }
    return {i: injection for i, injection in found.items() if injection}


def _here(row: Row, kind: str, ids: dict[str, str], bank: BankRow, copied: bool) -> Row:
    """The row as it stands in this store. A batch of a job is applied once in a store, so a copy does not name it."""
    names: Row = {n: ids[row[n]] for n in ("experience_id", "child_id", "parent_id") if n in row}
    if kind == "experience":
        found = injection_in_experience(row["when_to_use"], row["content"])
        names |= {"id": ids[row["id"]], "quarantine": quarantine_of(found) if found else None}
    if "bank_id" in TABLES[kind].__table__.columns:
        names["bank_id"] = bank.id
    if kind == "revision" and copied:
        names["job_id"] = None
    if kind == "refusal" and copied:
        names["cluster"] = reduce(lambda told, old: told.replace(old, ids[old]), ids, str(row["cluster"]))
    return row | {"project_id": bank.project_id} | names
