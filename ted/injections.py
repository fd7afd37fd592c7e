"""Finds what in a text is said to the model and not to the reader: smuggled instructions. Pure; quarantine is ted/bank's.

It knows wordings, markers and encodings (`injection_patterns`), not intentions: docs/trust.md tells what gets by it.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal
from urllib.parse import unquote

from ted.injection_patterns import EVERYWHERE, FIXED_ANSWER, UNIVERSAL, Kind
from ted.sample import Sample
from ted.texts import shortened

Field = Literal["when_to_use", "content", "question", "answer", "id", "tags"]

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff]"
)
"""Characters without a shape of their own: they may stand anywhere in a word, and a model reads it all the same."""

PASSAGE = 160
"""Characters of a passage that are kept."""

_DEPTH = 2
"""Encodings within encodings that are looked into."""


@dataclass(frozen=True, slots=True)
class Injection:
    """Of which kind it is, in which field, and the passage that tells."""

    kind: Kind
    field: Field
    passage: str

    @property
    def told(self) -> str:
        """In one line."""
        return f"{self.kind} in {self.field}: {self.passage!r}"

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def injection_in_experience(when_to_use: str, content: str) -> Injection | None:
    """The first that is found. What an experience says to answer is an order only where it is for every question."""
    for field, text in (("when_to_use", when_to_use), ("content", content)):
        if found := _first(text):
            return Injection(found[0], "when_to_use" if field == "when_to_use" else "content", found[1])
    if found := _first(f"{when_to_use} {content}"):
        return Injection(found[0], "content", found[1])
    if UNIVERSAL.search(_bare(when_to_use)) and (order := FIXED_ANSWER.search(_bare(content))):
        return Injection("fixed_answer", "content", _passage(order.group()))
    return None


def injection_in_sample(sample: Sample) -> Injection | None:
    """The first that is found in the question, the reference, the id or the tags."""
    fields: tuple[tuple[Field, str], ...] = (
        ("question", sample.question.text),
        ("answer", sample.answer),
        ("id", sample.id),
        *(("tags", tag) for tag in sample.tags),
    )
    for field, text in fields:
        if found := _first(text):
            return Injection(found[0], field, found[1])
        if order := FIXED_ANSWER.search(_bare(text)):
            return Injection("fixed_answer", field, _passage(order.group()))
    return None


def _first(text: str, depth: int = 0) -> tuple[Kind, str] | None:
    if hidden := _hidden(text):
        return "hidden_text", hidden
    bare = _bare(text)
    for kind, pattern in EVERYWHERE:
        if found := pattern.search(bare):
            return kind, _passage(found.group())
    if depth < _DEPTH:
        for blob, decoded in _decoded(bare):
            if within := _first(decoded, depth + 1):
                return "encoded", _passage(f"{blob[:40]} = {within[1]}")
    return None


def _passage(text: str) -> str:
    return shortened(text, length=PASSAGE)


# -- what a model reads


def _bare(text: str) -> str:
    """Compatibility forms, entities and look-alikes resolved, nothing invisible in it; lines stay lines."""
    plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", html.unescape(text)))
    plain = _WORD.sub(_in_latin, plain)
    plain = _SPACED.sub(lambda run: run.group()[0] + re.sub(r"[ ._*-]", "", run.group()[1:]), plain)
    return "\n".join(" ".join(line.split()) for line in plain.splitlines() if line.strip())


_LATIN = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u0410\u0415\u041e\u0420\u0421\u0422\u0425\u041c\u041d"
    "\u041a\u0412\u0406\u03bf\u03b1\u03b5\u03b9\u0391\u0395\u0399\u039f\u03a1\u03a4",
    "aeopcyxijsdAEOPCTXMHKBIoaeiAEIOPT",
)
"""Cyrillic and Greek letters by the Latin ones that they look like."""

_WORD, _LATIN_LETTER, _LIKE_LATIN = (
    re.compile(r"\w{3,}"),
    re.compile("[A-Za-z]"),
    re.compile("[\u0370-\u052f]"),
)


def _in_latin(word: re.Match[str]) -> str:
    """A word of two alphabets in one."""
    text = word.group()
    mixed = _LIKE_LATIN.search(text) and _LATIN_LETTER.search(text)
    return text.translate(_LATIN) if mixed else text


_SPACED = re.compile(r"\b\w(?:[ ._*-]\w){5,}\b")
"""A word whose letters stand apart."""


# -- what a reader does not see

_TAGS = re.compile("(?<!\U0001f3f4)[\U000e0020-\U000e007f]+")
"""Characters of Unicode's tag block, which spell ASCII; behind a black flag they spell that of a region."""

_OVERRIDE = re.compile("[\u202d\u202e]")
_EMBEDDING = re.compile("[\u202a\u202b\u2066-\u2068]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_WITHIN_WORD = re.compile(
    "[A-Za-z0-9\u0370-\u052f][\u200b-\u200d\u2060-\u2064\ufeff]+[A-Za-z0-9\u0370-\u052f]"
)
_RUN = re.compile("[\u200b-\u200d\u2060-\u2064\ufeff]{4,}|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}")
"""Data in characters that have no width."""


def _hidden(text: str) -> str | None:
    flagless = re.sub("\U0001f3f4[\U000e0020-\U000e007f]+", "", text)
    if tags := _TAGS.search(flagless):
        spelt = "".join(chr(ord(c) - 0xE0000) for c in tags.group())
        return _passage(f"{_escaped(tags.group()[:1])} and more, which spell {spelt!r}")
    checks = [_OVERRIDE, _WITHIN_WORD, _RUN]
    if not _RIGHT_TO_LEFT.search(text):
        checks.append(_EMBEDDING)
    for pattern in checks:
        if found := pattern.search(text):
            start, end = max(0, found.start() - 12), found.end() + 12
            return _passage(_escaped(text[start:end]))
    return None


def _escaped(text: str) -> str:
    return INVISIBLE.sub(lambda c: f"\\u{ord(c.group()):04x}", text)


# -- what is written in another way

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX = re.compile(r"\b(?:[0-9a-fA-F]{2}[ :]?){16,}")
_PERCENT = re.compile(r"[^\s%]{0,40}(?:%[0-9A-Fa-f]{2}[^\s%]{0,40}){3,}")
_ESCAPES = re.compile(r"(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}){6,}")


def _decoded(text: str) -> Iterator[tuple[str, str]]:
    """The blobs that are readable text in base64, hex, percent signs or escapes, and that text."""
    for pattern, decode in (
        (_BASE64, _from_base64),
        (_HEX, _from_hex),
        (_PERCENT, unquote),
        (_ESCAPES, _from_escapes),
    ):
        for blob in pattern.finditer(text):
            found = decode(blob.group())
            if found and found != blob.group():
                yield blob.group(), found


def _from_base64(blob: str) -> str | None:
    whole = blob.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _readable(base64.b64decode(whole + "=" * (-len(whole) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _from_hex(blob: str) -> str | None:
    try:
        return _readable(bytes.fromhex(re.sub(r"[ :]", "", blob)))
    except ValueError:
        return None


def _from_escapes(blob: str) -> str:
    return re.sub(r"\\[xu]([0-9a-fA-F]{2,4})", lambda c: chr(int(c.group(1), 16)), blob)


def _readable(data: bytes) -> str | None:
    for encoding in ("utf-8", "utf-16-le"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text and sum(c.isprintable() or c.isspace() for c in text) >= 0.95 * len(text):
            return text
    return None
