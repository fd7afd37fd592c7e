"""What the examples' generators share: their command line, and how their samples become files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Line = Mapping[str, object]
"""A sample as it stands in a file."""

Drawn = tuple[Sequence[Line], Sequence[Line]]
"""Training and evaluation samples."""


def write(folder: Path, drawn: Drawn) -> None:
    """Writes train.jsonl and eval.jsonl into a folder that is there."""
    for name, part in zip(("train", "eval"), drawn, strict=True):
        lines = (json.dumps(sample) + "\n" for sample in part)
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")


def main(samples: Callable[[int], Drawn], *, seed: int, into: Path, about: str | None) -> None:
    """Writes what `samples` draws from the seed of the command line into its folder."""
    arguments = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    arguments.add_argument("--seed", type=int, default=seed)
    arguments.add_argument("--into", type=Path, default=into)
    chosen = arguments.parse_args()
    write(chosen.into, samples(chosen.seed))
