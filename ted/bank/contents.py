"""What a bank's file holds, read and checked as a whole before anything of it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from ted.bank.portable import TABLES, Line, lines_of, values_of, vectors_of
from ted.bank.utility import Inherited
from ted.errors import BadBankFile, BadImage, BadSetting
from ted.experience import Key, KeyKind, Status
from ted.images import ImageLimits, read_image
from ted.sample import Image
from ted.settings import RetrievalSettings

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key on line `number`, and the vectors that the file has of it by the fingerprint of the embedder."""

    number: int
    row: Row
    key: Key
    vectors: Mapping[str, bytes]


@dataclass(slots=True)
class Contents:
    """Rows by kind, without bank and project. All that refers to something refers to what is here."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in TABLES})
    keys: list[KeyLine] = field(default_factory=list)
    images: dict[str, Image] = field(default_factory=dict)

    @property
    def bank(self) -> Row:
        return self.rows["bank"][0]


_UNIQUE: Mapping[str, tuple[str, ...]] = {
    "bank": (),
    "image": ("sha256",),
    "revision": ("revision",),
    "version": ("name",),
    "experience": ("id",),
    "lineage": ("child_id", "parent_id"),
    "counter": ("experience_id",),
    "exposure": ("asked_as", "experience_id", "version"),
    "refusal": ("cluster",),
}


def read_contents(file: Iterable[bytes]) -> Contents:
    """The whole file. Raises BadBankFile at the first line that cannot be used."""
    contents, seen = Contents(), set()
    for line in lines_of(file):
        if line.kind in ("header", "end"):
            continue
        row = values_of(line)
        if line.kind in _UNIQUE:
            identity = (line.kind, *(row[name] for name in _UNIQUE[line.kind]))
            if identity in seen:
                raise BadBankFile(line.number, f"this {line.kind} is in the file twice")
            seen.add(identity)
        if line.kind != "bank" and not contents.rows["bank"]:
            raise BadBankFile(line.number, "the bank itself should come first")
        if check := _CHECKS.get(line.kind):
            check(contents, line, row)
        for name in ("experience_id", "child_id", "parent_id"):
            if name in row and ("experience", row[name]) not in seen:
                raise BadBankFile(line.number, f"'{name}' is '{row[name]}', of which nothing is said before")
        contents.rows[line.kind].append(row)
    if not contents.rows["bank"]:
        raise BadBankFile(2, "there is no bank in the file")
    if len(contents.rows["counter"]) != len(contents.rows["experience"]):
        raise BadBankFile(1, "not every experience has its counter in the file")
    return contents


def _bank(contents: Contents, line: Line, row: Row) -> None:
    try:
        RetrievalSettings().with_options(row["retrieval"])
    except (BadSetting, TypeError) as error:
        raise BadBankFile(line.number, f"'retrieval' cannot be used: {error}") from error


def _image(contents: Contents, line: Line, row: Row) -> None:
    try:
        image = read_image(row["data"], declared=row["media_type"], limits=ImageLimits())
    except BadImage as error:
        raise BadBankFile(line.number, str(error)) from error
    if image.sha256 != row["sha256"]:
        raise BadBankFile(line.number, f"the image's sha256 is not '{row['sha256']}'")
    contents.images[image.sha256] = image


def _revision(contents: Contents, line: Line, row: Row) -> None:
    _at_most(contents, line, "revision", row["revision"])


def _experience(contents: Contents, line: Line, row: Row) -> None:
    _one_of(line, "status", row["status"], get_args(Status))
    for name in ("created_revision", "updated_revision"):
        _at_most(contents, line, name, row[name])
    if not all(isinstance(tag, str) for tag in row.get("tags", [])):
        raise BadBankFile(line.number, "'tags' should be texts")


def _version(contents: Contents, line: Line, row: Row) -> None:
    _at_most(contents, line, "revision", row["revision"])


def _history(contents: Contents, line: Line, row: Row) -> None:
    _one_of(line, "status", row["status"], get_args(Status))
    _inheritance(line, row.get("provenance", {}).get("inherited"))
    for told in row.get("keys") or ():
        if not isinstance(told, dict) or set(told) != {"kind", "text", "image_sha256"}:
            raise BadBankFile(line.number, f"'keys' has {told!r:.60}, which is no key")
        if not all(isinstance(part, str) for part in told.values()):
            raise BadBankFile(line.number, f"'keys' has {told!r:.60}, which is no key")
        _check_key(contents, line, told["kind"], told["image_sha256"])


def _counter(contents: Contents, line: Line, row: Row) -> None:
    _inheritance(line, row.get("inherited"))


def _inheritance(line: Line, told: Any) -> None:
    try:
        Inherited.from_json(told)
    except (KeyError, TypeError, ValueError) as error:
        raise BadBankFile(line.number, f"'inherited' cannot be used: {error}") from error


def _key(contents: Contents, line: Line, row: Row) -> None:
    sha256 = row.get("image_sha256") or ""
    _check_key(contents, line, row["kind"], sha256)
    key = Key(row["kind"], row.get("text", ""), sha256)
    contents.keys.append(KeyLine(line.number, row, key, vectors_of(line)))


def _check_key(contents: Contents, line: Line, kind: str, sha256: str) -> None:
    _one_of(line, "kind", kind, get_args(KeyKind))
    if (kind == "image") != bool(sha256) or (sha256 and sha256 not in contents.images):
        raise BadBankFile(line.number, f"'image_sha256' is '{sha256}', of which there is no image before")


_CHECKS: Mapping[str, Callable[[Contents, Line, Row], None]] = {
    "bank": _bank,
    "image": _image,
    "revision": _revision,
    "version": _version,
    "experience": _experience,
    "history": _history,
    "counter": _counter,
    "key": _key,
}


def _one_of(line: Line, name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise BadBankFile(line.number, f"'{name}' is '{value}': there are {', '.join(known)}")


def _at_most(contents: Contents, line: Line, name: str, value: int) -> None:
    if not 0 <= value <= contents.bank["revision"]:
        raise BadBankFile(line.number, f"'{name}' is {value}, but the bank is at {contents.bank['revision']}")
