"""Samples from an uploaded file: JSONL, or a zip of one JSONL and images, unpacked within bounds and never to disk."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ted.errors import BadImage, BadInput
from ted.images import ImageLimits, OpenImage, data_urls, is_url, read_image
from ted.sample import Image, Sample
from ted.sample_files import samples_of_lines
from ted.texts import shortened

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds on a zip: its members, the bytes that come out of it, and how many come out of each that is in it."""

    members: int = 10_000
    unpacked_bytes: int = 256_000_000
    ratio: int = 100


def is_archive(path: Path) -> bool:
    """Whether the file begins as a zip does."""
    with path.open("rb") as file:
        return file.read(4) in ZIP_MAGIC


def read_upload(
    path: Path,
    *,
    limits: ImageLimits,
    archive_limits: ArchiveLimits | None = None,
    open_url: OpenImage | None = None,
    labelled: bool = False,
) -> list[Sample]:
    """The samples of an uploaded file. Images of a plain JSONL are URLs; of a zip, members of it, too.

    URLs are read by `open_url`; without it, they are data URLs only. `labelled`: each needs its answer.

    Raises BadSamples with every bad line, BadInput for a zip that cannot be used.
    """
    open_url = open_url or data_urls(limits)
    if not is_archive(path):
        return samples_of_lines(path.read_bytes(), limits=limits, open_image=open_url, labelled=labelled)
    try:
        with zipfile.ZipFile(path) as archive:
            return _Archive(archive, path.stat().st_size, archive_limits or ArchiveLimits()).samples(
                limits, open_url, labelled=labelled
            )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise BadInput(f"the zip cannot be read: {shortened(str(error), length=120)}") from error


class _Archive:
    """An open zip whose members were checked by name and declared size; what really comes out is counted."""

    def __init__(self, archive: zipfile.ZipFile, size: int, limits: ArchiveLimits) -> None:
        self._archive, self._limits = archive, limits
        self._most = min(limits.unpacked_bytes, max(size, 1) * limits.ratio)
        self._unpacked = 0
        infos = archive.infolist()
        if len(infos) > limits.members:
            raise BadInput(
                f"the zip has {len(infos):,} members, more than {limits.members:,}: send less at once"
            )
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            self._check(info)
        if sum(info.file_size for info in infos) > self._most:
            raise self._too_much()

    def samples(self, limits: ImageLimits, open_url: OpenImage, *, labelled: bool) -> list[Sample]:
        lists = [name for name in self._members if name.lower().endswith(".jsonl")]
        if len(lists) != 1:
            raise BadInput(
                f"the zip has {len(lists)} .jsonl members: it must have exactly one, with the samples"
            )
        folder = PurePosixPath(lists[0]).parent

        def open_image(reference: str) -> Image:
            if is_url(reference):
                return open_url(reference)
            return self._image(reference, folder, limits)

        read = self._read(self._members[lists[0]], self._most)
        return samples_of_lines(read, limits=limits, open_image=open_image, labelled=labelled)

    def _check(self, info: zipfile.ZipInfo) -> None:
        name, shown = info.filename, shortened(info.filename)
        parts = name.split("/")
        if (
            name.startswith("/")
            or "\\" in name
            or ":" in parts[0]
            or ".." in parts
            or "\0" in info.orig_filename
        ):
            raise BadInput(f"the zip has a member '{shown}': names must be relative, with / and without ..")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise BadInput(f"the zip has a link, '{shown}': put the file itself there")
        if info.flag_bits & 1:
            raise BadInput(f"the zip has an encrypted member, '{shown}': send it without a password")
        if info.is_dir():
            return
        if not name.lower().endswith((".jsonl", *IMAGE_SUFFIXES)):
            raise BadInput(
                f"the zip has a member '{shown}': only one .jsonl and images ({', '.join(IMAGE_SUFFIXES)}) are read"
            )
        if str(PurePosixPath(name)) in self._members:
            raise BadInput(f"the zip has two members '{shown}': names must differ")
        self._members[str(PurePosixPath(name))] = info

    def _image(self, reference: str, folder: PurePosixPath, limits: ImageLimits) -> Image:
        parts = reference.split("/")
        if reference.startswith("/") or "\\" in reference or ".." in parts:
            raise BadImage(
                f"image path '{shortened(reference)}' leaves the zip: write it relative to the .jsonl"
            )
        info = self._members.get(str(folder / reference))
        if info is None or not info.filename.lower().endswith(IMAGE_SUFFIXES):
            raise BadImage(
                f"image '{shortened(reference)}' is not in the zip beside the .jsonl: check the path"
            )
        data = self._read(info, limits.max_bytes)
        try:
            return read_image(data, declared=PurePosixPath(reference).suffix, limits=limits)
        except BadImage as bad:
            raise BadImage(f"'{shortened(reference)}': {bad}") from bad

    def _read(self, info: zipfile.ZipInfo, most: int) -> bytes:
        """The member, unpacked no further than one byte beyond what it may have."""
        with self._archive.open(info) as member:
            data = b"".join(_chunks(member, min(most, self._most - self._unpacked) + 1))
        self._unpacked += len(data)
        if self._unpacked > self._most:
            raise self._too_much()
        if len(data) > most:
            raise BadImage(f"'{shortened(info.filename)}' has more than {most:,} bytes: make it smaller")
        return data

    def _too_much(self) -> BadInput:
        return BadInput(
            f"the zip unpacks to more than {self._most:,} bytes (at most {self._limits.unpacked_bytes:,}, and "
            f"{self._limits.ratio} times its own size): send less at once"
        )


def _chunks(member: IO[bytes], most: int) -> Iterator[bytes]:
    left = most
    while left > 0 and (chunk := member.read(min(left, 1 << 20))):
        left -= len(chunk)
        yield chunk
