"""Files as strangers send them: good ones, and good ones that were damaged on the way."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from hypothesis import strategies as st

from tests.drawings import draw

PICTURE = draw("red", "triangle", seed=1)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
LINES = st.fixed_dictionaries(
    {"question": TEXTS, "answer": TEXTS},
    optional={
        "id": TEXTS,
        "tags": st.lists(TEXTS, max_size=2),
        "grader": st.sampled_from(["exact", "numeric"]),
    },
)


@st.composite
def damaged(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Some bytes of it left out, or others in their place."""
    data = draw(good)
    begin = draw(st.integers(0, len(data)))
    end = draw(st.integers(begin, min(len(data), begin + 40)))
    return data[:begin] + draw(st.binary(max_size=8)) + data[end:]


def jsonl(lines: list[dict[str, Any]]) -> bytes:
    """One line each."""
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive of these."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


GOOD_SAMPLES = st.lists(LINES, min_size=1, max_size=3).map(jsonl)
GOOD_ZIPS = st.builds(
    lambda line, name: zipped({"a/b.jsonl": jsonl([line | {"images": [name]}]), "a/1.png": PICTURE}),
    LINES,
    st.sampled_from(["1.png", "2.png", "../1.png", "a\0.png"]),
)
SAMPLES = st.one_of(GOOD_SAMPLES, damaged(GOOD_SAMPLES), st.binary(max_size=100))
ZIPS = st.one_of(GOOD_ZIPS, damaged(GOOD_ZIPS))
BANK_FILES = st.binary(max_size=100)
