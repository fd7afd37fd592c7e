"""Zips of samples from strangers: bounded by what really comes out, by name and by kind of member."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ted.errors import BadInput, BadSamples
from ted.images import ImageLimits
from ted.sample_archives import ArchiveLimits, read_upload
from tests.drawings import draw

LIMITS = ImageLimits(max_bytes=50_000)
PICTURE = draw("red", "triangle", seed=1)
LINE = {"question": "Which shape is this?", "answer": "triangle", "images": ["shapes/1.png"]}


def zipped(path: Path, members: dict[str, bytes], *, link: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if name == link:
                info.external_attr = 0o120777 << 16
            archive.writestr(info, data)
    return path


def lines(*objects: Any) -> bytes:
    return "\n".join(map(json.dumps, objects)).encode()


def refusal(path: Path, limits: ArchiveLimits | None = None) -> str:
    with pytest.raises(BadInput) as refused:
        read_upload(path, limits=LIMITS, archive_limits=limits)
    return str(refused.value)


@pytest.mark.parametrize("folder", ["", "set/", "a/b/"])
def test_images_are_members_beside_the_lines(tmp_path: Path, folder: str) -> None:
    members = {f"{folder}samples.jsonl": lines(LINE), f"{folder}shapes/1.png": PICTURE}

    (sample,) = read_upload(zipped(tmp_path / "a.zip", members), limits=LIMITS)

    assert sample.question.images[0].data == PICTURE
    assert sample.question.images[0].media_type == "image/png"


def test_plain_lines_are_read_and_their_images_are_data_urls(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(lines({"question": "a", "answer": "b"}))
    (tmp_path / "b").write_bytes(lines(LINE))

    assert [s.answer for s in read_upload(tmp_path / "a", limits=LIMITS)] == ["b"]
    with pytest.raises(BadSamples, match=r"line 1, field 'images\[0\]'.*nothing is fetched"):
        read_upload(tmp_path / "b", limits=LIMITS)


def test_a_bad_line_in_a_zip_is_told_by_its_number(tmp_path: Path) -> None:
    missing = LINE | {"images": ["shapes/2.png"]}
    text = lines(
        LINE,
        {"question": "a", "answer": ""},
        missing,
        LINE | {"images": ["../1.png"]},
        LINE | {"images": ["/1.png"]},
    )
    members = {"samples.jsonl": text, "shapes/1.png": PICTURE}

    with pytest.raises(BadSamples) as refused:
        read_upload(zipped(tmp_path / "a.zip", members), limits=LIMITS)

    told = [(e.line, e.field) for e in refused.value.errors]
    assert told == [(2, "answer"), (3, "images[0]"), (4, "images[0]"), (5, "images[0]")]
    assert "is not in the zip" in refused.value.errors[1].problem
    assert "leaves the zip" in refused.value.errors[2].problem


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../evil.png", "without .."),
        ("a/../../evil.png", "without .."),
        ("/etc/evil.png", "must be relative"),
        ("C:/evil.png", "must be relative"),
        ("run.sh", "only one .jsonl and images"),
        ("picture.svg", "only one .jsonl and images"),
        ("inner.zip", "only one .jsonl and images"),
        ("second.jsonl", "2 .jsonl members"),
    ],
)
def test_a_member_of_a_wrong_name_or_kind_is_refused(tmp_path: Path, name: str, told: str) -> None:
    members = {"samples.jsonl": lines({"question": "a", "answer": "b"}), name: b"x"}

    assert told in refusal(zipped(tmp_path / "a.zip", members))


def test_a_link_is_refused(tmp_path: Path) -> None:
    members = {"samples.jsonl": lines(LINE), "shapes/1.png": b"/etc/passwd"}

    assert "has a link, 'shapes/1.png'" in refusal(zipped(tmp_path / "a.zip", members, link="shapes/1.png"))


def test_what_is_labelled_an_image_and_is_none_is_refused(tmp_path: Path) -> None:
    members = {"samples.jsonl": lines(LINE), "shapes/1.png": b"#!/bin/sh\n"}

    assert "line 1, field 'images[0]'" in refusal(zipped(tmp_path / "a.zip", members))


def test_a_bomb_is_refused_by_its_ratio_and_by_its_size(tmp_path: Path) -> None:
    bomb = zipped(
        tmp_path / "a.zip",
        {"samples.jsonl": lines({"question": "a", "answer": "b"}), "a.png": b"\0" * 9_000_000},
    )
    large = zipped(tmp_path / "b.zip", {"samples.jsonl": lines(LINE), "shapes/1.png": PICTURE})

    assert "100 times its own size" in refusal(bomb)
    assert "unpacks to more than 100 bytes" in refusal(large, ArchiveLimits(unpacked_bytes=100))
    assert "2 members, more than 1" in refusal(large, ArchiveLimits(members=1))


def test_a_bomb_that_lies_of_its_size_is_stopped_by_the_bytes_that_come(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"samples.jsonl": b" " * 9_000_000})
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(magic) + offset, 10)
    path.write_bytes(data)

    assert refusal(path)  # it unpacks no more than was said, and its checksum is then wrong


def test_an_image_larger_than_an_image_may_be_is_refused(tmp_path: Path) -> None:
    noise = io.BytesIO(bytes(range(256)) * 250)
    members = {"samples.jsonl": lines(LINE), "shapes/1.png": noise.getvalue()}

    told = refusal(zipped(tmp_path / "a.zip", members))

    assert "'shapes/1.png' has more than 50,000 bytes" in told


@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_a_damaged_zip_is_told(tmp_path: Path, damage: str) -> None:
    whole = zipped(tmp_path / "a.zip", {"samples.jsonl": lines(LINE), "shapes/1.png": PICTURE}).read_bytes()
    spoiled = {
        "cut": whole[:-30],
        "noise": b"PK\x03\x04" + b"\xff" * 200,
        "empty": b"PK\x05\x06" + b"\0" * 18,
    }
    (tmp_path / "b.zip").write_bytes(spoiled[damage])

    assert "zip" in refusal(tmp_path / "b.zip")
