"""What strangers send as an image is checked, decoded and told apart from what it says it is."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as pillow

from ted.errors import BadImage
from ted.images import ImageLimits, from_data_url, from_path, read_image

LIMITS = ImageLimits()
FORMATS = [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/gif")]


def encoded(file_format: str, *, size: tuple[int, int] = (40, 30)) -> bytes:
    noise = pillow.frombytes("RGB", size, random.Random(7).randbytes(3 * size[0] * size[1]))
    buffer = io.BytesIO()
    noise.save(buffer, format=file_format)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size it has no pixels for."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def data_url(data: bytes, *, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(("file_format", "media_type"), FORMATS)
def test_an_allowed_format_is_read_and_known_by_the_bytes_as_they_came(
    file_format: str, media_type: str
) -> None:
    data = encoded(file_format)

    image = read_image(data, declared=media_type, limits=LIMITS)

    assert image.media_type == media_type
    assert image.data == data
    assert image.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("declared", [None, "", "image/jpg", "IMAGE/JPEG", ".jpg", "jpeg", "image/jpeg; q=1"])
def test_a_true_label_may_be_written_in_the_usual_ways(declared: str | None) -> None:
    assert read_image(encoded("JPEG"), declared=declared, limits=LIMITS).media_type == "image/jpeg"


@pytest.mark.parametrize("declared", ["image/jpeg", ".gif", "image/bmp", "text/plain"])
def test_a_mislabelled_image_is_refused_naming_label_and_truth(declared: str) -> None:
    with pytest.raises(BadImage, match="correct the label") as refused:
        read_image(encoded("PNG"), declared=declared, limits=LIMITS)

    assert f"'{declared}'" in str(refused.value)
    assert "is image/png" in str(refused.value)


@pytest.mark.parametrize(("file_format", "named"), [("BMP", "BMP"), ("TIFF", "TIFF"), ("PDF", "PDF")])
def test_a_format_that_is_not_allowed_is_named(file_format: str, named: str) -> None:
    with pytest.raises(BadImage, match=f"labelled 'image/png'.* is {named}: send PNG, JPEG, WEBP or GIF"):
        read_image(encoded(file_format), declared="image/png", limits=LIMITS)


@pytest.mark.parametrize(("file_format", "media_type"), FORMATS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_truncated_image_is_refused(file_format: str, media_type: str, kept: float) -> None:
    data = encoded(file_format)

    with pytest.raises(BadImage):
        read_image(data[: int(len(data) * kept)], declared=media_type, limits=LIMITS)


def test_an_image_of_many_pixels_is_refused_from_its_header() -> None:
    with pytest.raises(
        BadImage, match=r"8000 x 6000 = 48,000,000 pixels, more than 40,000,000: scale it down"
    ):
        read_image(png_header(8000, 6000), declared=None, limits=LIMITS)


def test_a_decompression_bomb_is_a_bad_image() -> None:
    with pytest.raises(BadImage, match="pixels: scale it down"):
        read_image(png_header(60_000, 60_000), declared=None, limits=LIMITS)


def test_an_image_of_many_bytes_is_refused() -> None:
    with pytest.raises(BadImage, match="more than 100: make it smaller"):
        read_image(encoded("PNG"), declared=None, limits=ImageLimits(max_bytes=100))


def test_an_empty_image_is_refused() -> None:
    with pytest.raises(BadImage, match="empty"):
        read_image(b"", declared=None, limits=LIMITS)


def test_only_the_first_frame_of_an_animation_must_be_there() -> None:
    frames = [pillow.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, format="GIF", save_all=True, append_images=frames[1:])

    assert read_image(buffer.getvalue(), declared="image/gif", limits=LIMITS).media_type == "image/gif"


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF"])
)
def test_arbitrary_bytes_are_an_image_or_a_bad_image(body: bytes, magic: bytes) -> None:
    try:
        read_image(magic + body, declared=None, limits=LIMITS)
    except BadImage:
        return


@given(st.data())
def test_an_image_with_a_changed_byte_is_an_image_or_a_bad_image(draw: st.DataObject) -> None:
    data = bytearray(encoded(draw.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"])), size=(6, 5)))
    data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))

    try:
        read_image(bytes(data), declared=None, limits=LIMITS)
    except BadImage:
        return


def test_a_data_url_is_the_image_it_carries() -> None:
    data = encoded("PNG")

    assert from_data_url(data_url(data), limits=LIMITS).data == data


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://192.0.2.1/cat.png", "no data URL.*nothing is fetched"),
        ("cat.png", "no data URL"),
        ("data:image/png,abc", "not base64"),
        ("data:image/png;base64", "no data URL"),
        ("data:;base64,AAAA", "names no media type"),
        ("data:image/png;base64,AAA$", "payload that is not base64"),
        ("data:image/png;base64,ä", "payload that is not base64"),
        ("data:image/png;base64,", "empty"),
        ("data:text/html;base64,PGI+", "labelled 'text/html'"),
    ],
)
def test_another_url_is_refused_with_what_to_do(url: str, problem: str) -> None:
    with pytest.raises(BadImage, match=problem):
        from_data_url(url, limits=LIMITS)


def test_a_data_url_is_measured_before_it_is_decoded() -> None:
    with pytest.raises(BadImage, match="more than 1,000"):
        from_data_url("data:image/png;base64," + "$" * 4000, limits=ImageLimits(max_bytes=1000))


def test_the_extension_of_a_file_is_its_label(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(encoded("PNG"))
    (tmp_path / "cat.gif").write_bytes(encoded("PNG"))

    assert from_path(tmp_path / "cat.png", limits=LIMITS).media_type == "image/png"
    with pytest.raises(BadImage, match=r"cat\.gif' is labelled '\.gif' but is image/png"):
        from_path(tmp_path / "cat.gif", limits=LIMITS)


@pytest.mark.parametrize("name", ["none.png", "", "a\0b.png", "x" * 5000])
def test_a_path_without_a_file_is_a_bad_image(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadImage):
        from_path(tmp_path / name, limits=LIMITS)


def test_a_large_file_is_refused_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(b"\0" * 5000)

    with pytest.raises(BadImage, match=r"large\.png' has 5,000 bytes, more than 1,000"):
        from_path(tmp_path / "large.png", limits=ImageLimits(max_bytes=1000))
