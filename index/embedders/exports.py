"""Models exported to ONNX, kept in a folder: each is made once, by a process of its own that may use torch.

How a model is exported, and whether it may be served, is that process' affair (export_sentence, export_clip).
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from index.embedders.export_facts import UNAVAILABLE, read_facts
from index.embedders.failures import in_one_line
from index.errors import EmbedderUnavailable

_log = logging.getLogger(__name__)

ServedT = TypeVar("ServedT")


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

    @property
    def dimension(self) -> int:
        dimension: int = self.facts["dimension"]
        return dimension


class ExportFailed(Exception):
    """An export that came to no end: another try may succeed."""


@dataclass(frozen=True, slots=True)
class Exports:
    """The exports of one model in the folder of all. Two processes that want one make it once; the other waits.

    `label` names the model. `key` names the export; None: that is known only once the model was loaded. `module`
    makes it, as a process, with `arguments` and a folder to put it in.
    """

    folder: Path
    label: str
    key: Callable[[], str | None]
    module: str
    arguments: Sequence[str]

    def served(self, load: Callable[[Export], ServedT]) -> ServedT | None:
        """What `load` makes of the export, made if there is none; None, with a warning, where torch must serve.

        Raises EmbedderUnavailable where the model cannot be loaded.
        """
        try:
            export = self._found() or self._made()
            if export.refused is None:
                return load(export)
            why = export.refused
        except EmbedderUnavailable:
            raise
        except ExportFailed as failed:
            why = str(failed)
        # Whatever runtime and tokenizer raise for files that were damaged: no common class, one meaning.
        except Exception as error:
            why = in_one_line(error)
        _log.warning(
            "the embedder %s is served by torch, slower and in more memory, as it cannot be by ONNX Runtime: %s",
            self.label,
            why,
        )
        return None

    def _found(self) -> Export | None:
        key = self.key()
        place = self.folder / _as_name(key) if key is not None else None
        facts = read_facts(place) if place is not None else None
        return Export(place, facts) if place is not None and facts is not None else None

    def _made(self) -> Export:
        name = _as_name(self.label)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / f"{name}.lock"):
                return self._found() or self._made_now(name)
        except OSError as error:
            raise ExportFailed(in_one_line(error)) from error

    def _made_now(self, name: str) -> Export:
        for left in self.folder.glob(f".{name}.*"):  # by a process that died at it
            shutil.rmtree(left, ignore_errors=True)
        making = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=self.folder))
        try:
            _run([self.module, *self.arguments, str(making)])
            key = self.key()
            if key is None:
                raise ExportFailed("where the model was loaded from cannot be told")
            place = self.folder / _as_name(key)
            making.chmod(0o755)  # a folder of models may be one for several users
            _sync(making)
            shutil.rmtree(place, ignore_errors=True)  # of another format, or damaged
            making.rename(place)
            _sync_folder(self.folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        made = self._found()
        if made is None:
            raise ExportFailed("the export is not whole")
        return made


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
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")


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
