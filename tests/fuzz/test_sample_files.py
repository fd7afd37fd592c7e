"""Samples from anybody: whatever the bytes are, they are samples or told with the numbers of the lines that are wrong."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ted.errors import BadInput, BadSamples
from ted.images import ImageLimits, from_data_url
from ted.sample import Sample
from ted.sample_archives import ArchiveLimits, read_upload
from ted.sample_files import samples_of_lines
from tests.fuzz.bodies import GOOD_SAMPLES, GOOD_ZIPS, LINES, TEXTS, damaged, zipped

LIMITS = ImageLimits()
SMALL = ArchiveLimits(members=8, unpacked_bytes=20_000)
OF_A_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def read(data: bytes) -> list[Sample]:
    return samples_of_lines(data, limits=LIMITS, open_image=lambda url: from_data_url(url, limits=LIMITS))


def check_told(bad: BadSamples, data: bytes) -> None:
    """Each error is of a line that is there, in a message that can be sent."""
    lines = data.count(b"\n") + 1
    assert bad.errors
    assert all(1 <= error.line <= lines and error.problem for error in bad.errors)
    assert str(bad).encode()


@given(st.one_of(st.binary(), damaged(GOOD_SAMPLES), st.lists(st.binary(max_size=30)).map(b"\n".join)))
@example(b"\xef\xbb\xbf")
@example(b'{"question": "\\ud83d", "answer": "a"}')
@example(b'{"question": "a", "answer": "b", "grader": {"kind": "numeric", "tolerance": 1e999}}')
@example(b'{"question": "a", "answer": ' + b"9" * 5_000 + b"}")
@example(b'{"a":' * 5_000)
def test_any_bytes_are_samples_or_told_by_their_lines(data: bytes) -> None:
    try:
        samples = read(data)
    except BadSamples as bad:
        check_told(bad, data)
    else:
        assert samples
        assert len({sample.id for sample in samples}) == len(samples)


UNIQUE = st.lists(
    st.fixed_dictionaries({"id": st.uuids().map(str), "question": TEXTS, "answer": TEXTS})
    .filter(lambda line: line["question"].strip() and line["answer"].strip())
    .flatmap(lambda line: st.lists(TEXTS, max_size=2).map(lambda tags: line | {"tags": tags})),
    min_size=1,
    max_size=5,
    unique_by=lambda line: line["id"],
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \t\r\n"])
"""Of lines; the last two have blank ones behind them."""


@given(UNIQUE, ENDS, st.booleans(), st.booleans(), st.booleans())
@example(
    [{"id": "a", "question": "a\u2028\x85b", "answer": "c\u2029", "tags": []}], b"\r\n", True, False, False
)
def test_good_lines_are_read_as_they_were_written(
    lines: list[dict[str, Any]], end: bytes, marked: bool, closed: bool, escaped: bool
) -> None:
    raw = [json.dumps(line, ensure_ascii=escaped).encode() for line in lines]
    data = b"\xef\xbb\xbf" * marked + end.join(raw) + end * closed

    samples = read(data)

    assert [
        {"id": s.id, "question": s.question.text, "answer": s.answer, "tags": list(s.tags)} for s in samples
    ] == lines


@given(UNIQUE, ENDS, st.booleans(), st.data())
def test_a_line_that_was_spoilt_is_told_by_its_number(
    lines: list[dict[str, Any]], end: bytes, marked: bool, data: st.DataObject
) -> None:
    raw = [json.dumps(line, ensure_ascii=False).encode() for line in lines]
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(
        st.sampled_from([b"{", b"null", b'{"question": "\xff"}', b'{"question": 1}', raw[at] + b"x"])
    )
    whole = b"\xef\xbb\xbf" * marked + end.join(raw)

    with pytest.raises(BadSamples) as bad:
        read(whole)

    assert {error.line for error in bad.value.errors} == {1 + at * end.count(b"\n")}


NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.sampled_from(
        [
            "a.jsonl",
            "b.JSONL",
            "x/a.jsonl",
            "1.png",
            "x/1.png",
            "../1.png",
            "/1.png",
            "x/../../1.png",
            "C:/1.png",
        ]
    ),
    st.sampled_from(["x\\1.png", "1.png/", "./1.png", "x//1.png", "inner.zip", "a.png\0.exe", "\u202e.png"]),
)
INNER = zipped({"a.jsonl": b'{"question": "a", "answer": "b"}'})


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """Zips whose members have any names, twice the same too, links, encrypted ones, bombs, and zips within."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    ) as archive:
        for name in draw(st.lists(NAMES, max_size=4)):
            info = zipfile.ZipInfo(name)
            info.compress_type = archive.compression
            info.external_attr = draw(st.sampled_from([0, 0o100644, 0o120777, 0o040755])) << 16
            bomb = b"\0" * draw(st.sampled_from([10, 30_000, 3_000_000]))
            archive.writestr(
                info, draw(st.one_of(GOOD_SAMPLES, st.just(bomb), st.just(INNER), st.binary(max_size=40)))
            )
    data = bytearray(buffer.getvalue())
    if draw(st.booleans()) and (at := data.find(b"PK\x01\x02")) >= 0:
        data[at + 8] |= 1  # says of itself that it is encrypted
    return bytes(data)


@OF_A_TEST
@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(st.one_of(archives(), damaged(archives()), GOOD_ZIPS, damaged(GOOD_ZIPS)))
def test_any_zip_is_samples_or_told_and_leaves_nothing_behind(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "upload").write_bytes(data)

    try:
        told = [s.id for s in read_upload(tmp_path / "upload", limits=LIMITS, archive_limits=SMALL)]
    except BadSamples as bad:
        told = [str(error) for error in bad.errors]
    except BadInput as bad:
        told = [str(bad)]

    assert told
    assert all(one.encode() for one in told)
    assert [path.name for path in tmp_path.iterdir()] == ["upload"]


@OF_A_TEST
@given(LINES, st.sampled_from(["..", "x/..", "/", "C:", "x\\y"]), TEXTS)
def test_a_member_outside_of_the_zip_is_never_read(
    tmp_path: Path, line: dict[str, Any], place: str, name: str
) -> None:
    members = {"a.jsonl": json.dumps(line).encode(), f"{place}/{name}.png": b"x"}
    (tmp_path / "upload").write_bytes(zipped(members))

    with pytest.raises(BadInput, match="names must be relative"):
        read_upload(tmp_path / "upload", limits=LIMITS)
