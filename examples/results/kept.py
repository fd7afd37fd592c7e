"""The kept rows: one line for each question under each arm, from which docs/results.md follows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ted.evaluation.rows import Row

FOLDER = Path(__file__).parents[2] / "docs" / "results"
DISTILLATIONS = "distillations.jsonl"


@dataclass(frozen=True, slots=True)
class Measured:
    """One variant of one student in one domain."""

    student: str
    domain: str
    variant: str

    def to_json(self) -> dict[str, str]:
        return {"student": self.student, "domain": self.domain, "variant": self.variant}


def keep_rows(folder: Path, measured: Measured, rows: Iterable[Row]) -> None:
    """In place of those of the same variant, if there are."""
    lines = ({**measured.to_json(), **row.to_json()} for row in rows)
    _replace(folder / f"{measured.student}.{measured.domain}.jsonl", measured, lines)


def keep_distillation(folder: Path, measured: Measured, told: dict[str, Any]) -> None:
    """What making the bank took, in place of what was kept of the same variant."""
    _replace(folder / DISTILLATIONS, measured, [{**measured.to_json(), **told}])


def rows_of(folder: Path) -> dict[Measured, list[Row]]:
    """All rows that are kept."""
    found: dict[Measured, list[Row]] = {}
    for file in sorted(folder.glob("*.*.jsonl")):
        for line in _lines(file):
            measured = Measured(*(line.pop(name) for name in ("student", "domain", "variant")))
            found.setdefault(measured, []).append(Row.from_json(line))
    return found


def distillations_of(folder: Path) -> dict[Measured, dict[str, Any]]:
    """What making the banks took."""
    return {
        Measured(*(line.pop(name) for name in ("student", "domain", "variant"))): line
        for line in _lines(folder / DISTILLATIONS)
    }


def _replace(file: Path, measured: Measured, lines: Iterable[dict[str, Any]]) -> None:
    own = measured.to_json()
    kept = [line for line in _lines(file) if any(line[name] != own[name] for name in own)]
    written = (json.dumps(line, ensure_ascii=False) + "\n" for line in (*kept, *lines))
    fresh = file.with_suffix(".new")
    fresh.write_text("".join(written), encoding="utf-8", newline="\n")
    fresh.replace(file)


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
