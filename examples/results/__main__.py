"""`python -m examples.results`: measures what is not kept yet, then writes docs/results.md from all that is kept."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from pathlib import Path

from examples.results.domains import ABLATIONS, AS_IT_IS, DOMAINS, STUDENTS, Variant
from examples.results.kept import FOLDER, Measured
from examples.results.measure import Bench
from examples.results.page import write_page
from ted.bootstrap import open_ted
from ted.settings import read_settings

VARIANTS = {variant.name: variant for variant in (AS_IT_IS, *ABLATIONS)}


def main() -> None:
    """As the command line says."""
    arguments = argparse.ArgumentParser(prog="python -m examples.results", description=__doc__)
    arguments.add_argument(
        "--data", type=Path, default=Path("artifacts/results"), help="Where banks are kept."
    )
    arguments.add_argument("--domains", nargs="+", choices=DOMAINS, default=DOMAINS)
    arguments.add_argument("--students", nargs="+", choices=STUDENTS, default=STUDENTS)
    arguments.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    arguments.add_argument("--page-only", action="store_true", help="Measure nothing, write the page anew.")
    chosen = arguments.parse_args()
    if not chosen.page_only:
        asyncio.run(_measure(chosen.data, _wanted(chosen.students, chosen.domains, chosen.variants)))
    write_page(FOLDER, FOLDER.with_suffix(".md"))


def _wanted(
    students: list[str], domains: list[str], variants: list[str]
) -> Iterator[tuple[Measured, Variant]]:
    """The way as it is for each student, the ablations for the first of them alone."""
    for variant in (VARIANTS[name] for name in variants):
        for student in students if variant == AS_IT_IS else students[:1]:
            for domain in domains:
                yield Measured(student, domain, variant.name), variant


async def _measure(data: Path, wanted: Iterator[tuple[Measured, Variant]]) -> None:
    FOLDER.mkdir(exist_ok=True)
    ted = open_ted(read_settings(data_dir=data))
    try:
        bench = Bench(ted, FOLDER)
        for measured, variant in wanted:
            print(f"{measured.student}, {measured.domain}, {variant.name}: {variant.about}", flush=True)
            await bench.measure(measured, variant)
    finally:
        ted.close()


main()
