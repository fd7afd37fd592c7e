"""`python -m benchmarks [--quick] [--row N ...] [--write FILE]`: measures, prints, and writes the page of the docs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before a library reads it
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from benchmarks import machine, report  # noqa: E402 - the threads come first
from benchmarks.all_rows import ROWS  # noqa: E402
from benchmarks.measures import Effort, Measure, Row  # noqa: E402
from ted.settings import read_settings  # noqa: E402


def main() -> None:
    options = _options()
    models_dir = read_settings().models_dir
    effort = Effort.quick(models_dir) if options.quick else Effort.full(models_dir)
    before = machine.load()
    measured: list[tuple[Row, list[Measure]]] = []
    for row in ROWS:
        if options.row and row.NUMBER not in options.row:
            continue
        print(f"{row.NUMBER}. {row.TITLE}", flush=True)
        measures = row.measure(effort)
        print(*map(report.line, measures), sep="\n", flush=True)
        measured.append((row, measures))
    if options.write:
        command = f"python -m benchmarks --quick --write {options.write}" if options.quick else "make bench"
        load = f"{before}, {machine.load()}"
        text = report.page(measured, facts=machine.facts(), load=load, effort=command)
        options.write.write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours beside named peers.")
    parser.add_argument(
        "--quick", action="store_true", help="fewer repetitions: minutes instead of a quarter of an hour"
    )
    parser.add_argument("--row", type=int, action="append", help="only this one; may be given again")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the page to write")
    return parser.parse_args()


if __name__ == "__main__":
    main()
