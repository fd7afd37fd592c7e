"""What an export tells at its end: the facts that serve its model, or why it is not to be served from there."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from index.embedders.failures import in_one_line

FORMAT = 1
FACTS = "export.json"
UNAVAILABLE = 3
"""The exit code of an export whose model cannot be loaded; what to say about it is its standard output."""

_MAKERS = ("torch", "transformers", "sentence-transformers", "open-clip-torch", "onnx", "onnxruntime")


class Unsuited(Exception):
    """A model that cannot be served from an export; another try would find the same."""


def write_facts(folder: Path, *, fingerprint: str, **facts: Any) -> None:
    """Beside the files that the export has put into the folder."""
    _write(folder, {"fingerprint": fingerprint, "refused": None, **facts})


def write_refusal(folder: Path, *, fingerprint: str, error: Exception) -> None:
    """In place of whatever the export has put into the folder."""
    for path in folder.iterdir():
        path.unlink()
    why = str(error) if isinstance(error, Unsuited) else in_one_line(error)[:500]
    _write(folder, {"fingerprint": fingerprint, "refused": why})


def _write(folder: Path, facts: dict[str, Any]) -> None:
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    told = {"format": FORMAT, "made_by": made_by(), "files": files, **facts}
    (folder / FACTS).write_text(json.dumps(told, indent=1), encoding="utf-8")


def read_facts(folder: Path) -> dict[str, Any] | None:
    """Of a whole export of this format. A refusal counts only as long as nothing was upgraded."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        whole = facts["format"] == FORMAT and all(
            (folder / name).stat().st_size == size for name, size in facts["files"].items()
        )
        counts = facts["refused"] is None or facts["made_by"] == made_by()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return facts if whole and counts else None


def made_by() -> dict[str, str]:
    """The versions of what exports and serves, which are not imported for it."""
    return {name: version(name) for name in _MAKERS}
