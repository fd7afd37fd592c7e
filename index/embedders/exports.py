"""Models exported to ONNX, kept in a folder: each is made once, by a process of its own that may use torch.

How a model is exported, and whether it may be served, is that process' affair (export_sentence, export_clip).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from index.errors import EmbedderUnavailable

FORMAT = 1
FACTS = "export.json"
UNAVAILABLE = 3
"""The exit code of an export whose model cannot be loaded; what to say about it is its standard output."""

_MAKERS = ("torch", "transformers", "sentence-transformers", "open-clip-torch", "onnx", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Export:
    """A folder with what serves a model, and the facts that its export told.

    `refused` says why the model is not to be served from here; there is nothing but facts then.
    """

    folder: Path
    facts: dict[str, Any]

    @property
    def refused(self) -> str | None:
        why: str | None = self.facts["refused"]
        return why

    @property
    def fingerprint(self) -> str:
        fingerprint: str = self.facts["fingerprint"]
        return fingerprint


class ExportFailed(Exception):
    """An export that came to no end: another try may succeed."""


class Exports:
    """The folder of all exports. Two processes that want the same one make it once; the other waits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def found_or_made(
        self, label: str, key: Callable[[], str | None], *, module: str, arguments: Sequence[str]
    ) -> Export:
        """The export under `key`, which may be known only after the model was loaded; else `module` makes it.

        `label` names the model for whoever waits for the same. Raises ExportFailed, EmbedderUnavailable.
        """
        if (found := self._found(key())) is not None:
            return found
        name = _as_name(label)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / f"{name}.lock"):
                if (found := self._found(key())) is not None:
                    return found
                for left in self._folder.glob(f".{name}.*"):  # by a process that died at it
                    shutil.rmtree(left, ignore_errors=True)
                return self._made(name, key, [module, *arguments])
        except OSError as error:
            raise ExportFailed(f"{error.strerror}: {error.filename}") from error

    def _made(self, name: str, key: Callable[[], str | None], command: Sequence[str]) -> Export:
        making = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=self._folder))
        try:
            _run([*command, str(making)])
            known = key()
            if known is None:
                raise ExportFailed("where the model was loaded from cannot be told")
            place = self._folder / _as_name(known)
            _sync(making)
            shutil.rmtree(place, ignore_errors=True)  # of another format, or damaged
            making.rename(place)
            _sync_folder(self._folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        made = self._found(known)
        if made is None:
            raise ExportFailed("the export is not whole")
        return made

    def _found(self, key: str | None) -> Export | None:
        """A whole export of this format; a refusal counts only as long as nothing was upgraded."""
        if key is None:
            return None
        folder = self._folder / _as_name(key)
        try:
            facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            whole = facts["format"] == FORMAT and all(
                (folder / name).stat().st_size == size for name, size in facts["files"].items()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not whole or (facts["refused"] is not None and facts["made_by"] != made_by()):
            return None
        return Export(folder, facts)


def write_facts(folder: Path, *, fingerprint: str, refused: str | None = None, **facts: Any) -> None:
    """What an export tells at its end, beside the files that it has put into the folder."""
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    told = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "refused": refused,
        "made_by": made_by(),
        "files": files,
        **facts,
    }
    (folder / FACTS).write_text(json.dumps(told, indent=1), encoding="utf-8")


def made_by() -> dict[str, str]:
    """The versions of what exports and serves, which are not imported for it."""
    return {name: version(name) for name in _MAKERS}


def _run(command: Sequence[str]) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode == UNAVAILABLE:
        raise EmbedderUnavailable(done.stdout.strip())
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ExportFailed(said[-1])


def _as_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".")


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
