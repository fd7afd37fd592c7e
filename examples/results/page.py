"""docs/results.md, from the kept rows and from nothing else: the figures are ted/evaluation's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from examples.results.domains import ABLATIONS, AS_IT_IS, DOMAINS, STUDENTS, TEACHER, Variant
from examples.results.kept import Measured, distillations_of, rows_of
from examples.results.measure import ARMS
from ted.evaluation.rows import Arm, Row
from ted.evaluation.statistics import Comparison, compared, figures

SIGNIFICANT = 0.05

HEAD = f"""# Results

Made by `make results` from the rows in docs/results/, one for each question under each arm; `python -m examples.results
--page-only` writes this page from them anew. Domains are the folders of examples/, each with samples to distil and others to
evaluate. Teacher {TEACHER}, students {" and ".join(STUDENTS)}, both run here (Q4_K_M); profile `compact`, all other settings
the defaults, temperature 0. `irrelevant` is the bank of another domain; `all` has the whole bank in the prompt.

Accuracy has its 95 % Wilson interval. Against the student alone (`none`): questions gained and lost, the difference with its
95 % bootstrap interval, the two-sided p of the exact McNemar test. Tokens are those of a prompt, on average.
"""

Rows = dict[Measured, list[Row]]


def write_page(folder: Path, page: Path) -> None:
    """Writes the page anew."""
    rows, distillations = rows_of(folder), distillations_of(folder)
    parts = [HEAD]
    for student in STUDENTS:
        parts += _of_student(student, rows)
    parts += _ablation(rows)
    parts += _making(distillations)
    page.write_text("\n".join(parts) + "\n", encoding="utf-8", newline="\n")


def _of_student(student: str, rows: Rows) -> Iterator[str]:
    measured = {d: rows.get(Measured(student, d, AS_IT_IS.name)) for d in DOMAINS}
    there = {domain: found for domain, found in measured.items() if found}
    if not there:
        return
    yield f"## Student {student}\n"
    yield from _told(there)
    yield "| domain | arm | right | accuracy | against `none` | difference | p | tokens |"
    yield "|---|---|---|---|---|---|---|---|"
    for domain, found in there.items():
        for arm in ARMS:
            yield _arm_line(domain, arm, found)
    yield ""


NAMES: dict[Arm, str] = {"retrieve": "The bank of the domain", "irrelevant": "The bank of another domain"}


def _told(measured: dict[str, list[Row]]) -> Iterator[str]:
    """In which domains the bank helps, does nothing, or hurts, as the test says."""
    for arm, name in NAMES.items():
        verdicts: dict[str, list[str]] = {}
        for domain, found in measured.items():
            verdicts.setdefault(_verdict(compared(found, arm, "none")), []).append(domain)
        for verdict, domains in verdicts.items():
            yield f"- {name} {verdict}: {', '.join(domains)}."
    yield ""


def _verdict(comparison: Comparison | None) -> str:
    if comparison is None or comparison.p_value >= SIGNIFICANT:
        return "makes no significant difference"
    return "helps" if comparison.gained > comparison.lost else "hurts"


def _arm_line(domain: str, arm: Arm, rows: Sequence[Row]) -> str:
    result = figures(rows, arm)
    comparison = compared(rows, arm, "none") if arm != "none" else None
    cells = [domain, f"`{arm}`", f"{result.correct}/{result.questions}"]
    cells += [f"{result.accuracy:.2f} [{result.interval[0]:.2f}, {result.interval[1]:.2f}]"]
    cells += [*_against(comparison), f"{result.prompt_tokens / result.questions:.0f}"]
    return _line(cells)


def _against(comparison: Comparison | None) -> list[str]:
    if comparison is None:
        return ["", "", ""]
    low, high = comparison.interval or (comparison.difference, comparison.difference)
    return [
        f"+{comparison.gained} -{comparison.lost}",
        f"{comparison.difference:+.2f} [{low:+.2f}, {high:+.2f}]",
        f"{comparison.p_value:.2g}",
    ]


def _ablation(rows: Rows) -> Iterator[str]:
    student = STUDENTS[0]
    there = [v for v in ABLATIONS if any(Measured(student, d, v.name) in rows for d in DOMAINS)]
    if not there:
        return
    yield f"## What each part brings (student {student}, arm `retrieve`)\n"
    yield "Against the bank as it is, on the same questions.\n"
    yield "| variant | domain | right | as it is | gained and lost | difference | p | tokens | as it is |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for variant in there:
        for domain in DOMAINS:
            yield from _ablated(variant, domain, student, rows)
    yield ""


def _ablated(variant: Variant, domain: str, student: str, rows: Rows) -> Iterator[str]:
    found = rows.get(Measured(student, domain, variant.name))
    usual = [r for r in rows.get(Measured(student, domain, AS_IT_IS.name), ()) if r.arm == "retrieve"]
    if not found or not usual:
        return
    both = [*found, *(replace(row, arm="none") for row in usual)]
    here, before = figures(both, "retrieve"), figures(both, "none")
    cells = [
        variant.about,
        domain,
        f"{here.correct}/{here.questions}",
        f"{before.correct}/{before.questions}",
    ]
    cells += _against(compared(both, "retrieve", "none"))
    cells += [f"{result.prompt_tokens / result.questions:.0f}" for result in (here, before)]
    yield _line(cells)


def _making(distillations: dict[Measured, dict[str, Any]]) -> Iterator[str]:
    yield "## What making the banks took\n"
    yield "| student | domain | variant | calls | tokens | active | candidate | rejected | seconds |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for measured, told in distillations.items():
        spent, experiences = told["spent"], told["experiences"]
        tokens = spent["prompt_tokens"] + spent["completion_tokens"]
        counts = [f"{experiences[status]}" for status in ("active", "candidate", "rejected")]
        names = [measured.student, measured.domain, measured.variant]
        yield _line([*names, f"{spent['calls']}", f"{tokens:,}", *counts, f"{told['seconds']:.0f}"])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
