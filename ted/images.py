"""Images from strangers, checked and really decoded. Embedding them is index/'s affair."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as pillow
from PIL import UnidentifiedImageError

from ted.errors import BadImage
from ted.sample import Image
from ted.texts import shortened

MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
"""The formats allowed, by Pillow's name. A phone's MPO is a JPEG with more pictures behind the first."""

_LABELS = {
    "image/png": frozenset({"image/png", "png"}),
    "image/jpeg": frozenset({"image/jpeg", "image/jpg", "image/pjpeg", "jpg", "jpeg", "jpe", "jfif"}),
    "image/webp": frozenset({"image/webp", "webp"}),
    "image/gif": frozenset({"image/gif", "gif"}),
}
_NO_CLAIM = frozenset({"", "application/octet-stream"})
_FOREIGN = (
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML or SVG"),
    (b"PK\x03\x04", "zip"),
)
_ALLOWED = "PNG, JPEG, WEBP or GIF"


OpenImage = Callable[[str], Image]
"""Gives the image of a reference, a URL or path. Raises BadImage."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Bounds on one image: bytes as they come, and width x height in pixels."""

    max_bytes: int = 10_000_000
    max_pixels: int = 40_000_000


def read_image(data: bytes, *, declared: str | None, limits: ImageLimits) -> Image:
    """The image, of which at least the first frame was decoded in full. Raises BadImage.

    `declared` is the media type or file extension it came with, or None; a false label is an error.
    """
    return _read(data, declared=declared, limits=limits, name="image")


def from_data_url(url: str, *, limits: ImageLimits) -> Image:
    """The image of a `data:image/...;base64,...` URL. Other URLs are never fetched. Raises BadImage."""
    head, comma, payload = url.partition(",")
    if head[:5].lower() != "data:" or not comma:
        raise BadImage(
            f"image '{shortened(url)}' is no data URL: send data:image/png;base64,... (nothing is fetched)"
        )
    declared, *parameters = head[5:].split(";")
    if "base64" not in (parameter.strip().lower() for parameter in parameters):
        raise BadImage(f"image URL '{shortened(head)},...' is not base64: write data:image/png;base64,...")
    if not declared.strip():
        raise BadImage("image URL names no media type: write data:image/png;base64,...")
    if len(payload) // 4 * 3 > limits.max_bytes + 3:
        raise BadImage(_too_many_bytes("image URL", len(payload) // 4 * 3, limits))
    try:
        data = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadImage(
            f"image URL '{shortened(head)},...' has a payload that is not base64: {error}"
        ) from error
    return _read(data, declared=declared, limits=limits, name="image URL")


def data_urls(limits: ImageLimits) -> OpenImage:
    """Opens data URLs, and nothing else."""
    return lambda url: from_data_url(url, limits=limits)


def is_url(reference: str) -> bool:
    """Whether a reference to an image is a URL, and no path."""
    return reference[:5].lower() == "data:" or "://" in reference


def from_path(path: Path, *, limits: ImageLimits, written: str | None = None) -> Image:
    """The image in a file; its extension, where it has one, is its label. Raises BadImage.

    Messages name the path as it was `written`, where that is given.
    """
    name = f"image '{shortened(written or str(path), length=200)}'"
    try:
        if not path.is_file():
            raise BadImage(f"{name} is not there, or no file: check the path")
        with path.open("rb") as file:
            data = file.read(limits.max_bytes + 1)
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # ValueError: a NUL or a lone surrogate in the path
        raise BadImage(f"{name} cannot be read: {error}") from error
    if len(data) > limits.max_bytes:
        raise BadImage(_too_many_bytes(name, size, limits))
    return _read(data, declared=path.suffix, limits=limits, name=name)


def _read(data: bytes, *, declared: str | None, limits: ImageLimits, name: str) -> Image:
    if not data:
        raise BadImage(f"{name} is empty (0 bytes): send the whole file")
    if len(data) > limits.max_bytes:
        raise BadImage(_too_many_bytes(name, len(data), limits))
    media_type = _decoded_media_type(data, declared=declared, limits=limits, name=name)
    if not _is_true(declared, media_type):
        raise BadImage(
            f"{name} is labelled '{shortened(declared or '')}' but is {media_type}: correct the label"
        )
    return Image(sha256=hashlib.sha256(data).hexdigest(), media_type=media_type, data=data)


def _decoded_media_type(data: bytes, *, declared: str | None, limits: ImageLimits, name: str) -> str:
    """Pixels are bounded from the header, before anything is decoded."""
    try:
        with pillow.open(io.BytesIO(data), formats=tuple(MEDIA_TYPES)) as image:
            width, height = image.size
            if width * height > limits.max_pixels:
                raise BadImage(
                    f"{name} has {width} x {height} = {width * height:,} pixels, more than"
                    f" {limits.max_pixels:,}: scale it down"
                )
            media_type = MEDIA_TYPES.get(image.format or "", "image/jpeg")
            image.verify()
        with pillow.open(io.BytesIO(data), formats=tuple(MEDIA_TYPES)) as image:
            image.load()
    except BadImage:
        raise
    except UnidentifiedImageError as error:
        label = f" (labelled '{shortened(declared)}')" if declared else ""
        raise BadImage(f"{name}{label} is {_foreign(data)}: send {_ALLOWED}") from error
    except pillow.DecompressionBombError as error:
        raise BadImage(
            f"{name} has more than {limits.max_pixels:,} pixels: scale it down ({error})"
        ) from error
    except Exception as error:  # decoders fed by strangers raise nearly anything; all of it is said
        raise BadImage(
            f"{name} is damaged or cut short: send the whole file ({shortened(str(error))})"
        ) from error
    return media_type


def _foreign(data: bytes) -> str:
    start = data[:64].lstrip()
    known = next((label for magic, label in _FOREIGN if start.startswith(magic)), None)
    return known or f"no image of a known format (it begins with {data[:8].hex(' ')})"


def _is_true(declared: str | None, media_type: str) -> bool:
    label = (declared or "").partition(";")[0].strip().lower().removeprefix(".")
    return label in _NO_CLAIM or label in _LABELS[media_type]


def _too_many_bytes(name: str, size: int, limits: ImageLimits) -> str:
    return f"{name} has {size:,} bytes, more than {limits.max_bytes:,}: make it smaller"
