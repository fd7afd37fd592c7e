"""docs/results.md follows from the kept rows; measuring takes real models, and is `make results`."""

from __future__ import annotations

from pathlib import Path

from examples.results.domains import ABLATIONS, AS_IT_IS
from examples.results.kept import Measured, keep_distillation, keep_rows, rows_of
from examples.results.page import write_page
from ted.evaluation.rows import Arm, Row

STUDENT = "qwen2.5-coder-0.5b"
USUAL = Measured(STUDENT, "house_codes", AS_IT_IS.name)


def row(arm: Arm, number: int, *, correct: bool, tokens: int = 40) -> Row:
    return Row(
        arm=arm,
        sample=f"q{number}",
        question=f"Question {number}?",
        reference="A",
        final_answer="A" if correct else "B",
        correct=correct,
        experiences=(),
        abstained=False,
        prompt_tokens=tokens,
        completion_tokens=3,
        cost_usd=0.0,
        seconds=0.5,
    )


def rows_under_all_arms(*, right: dict[Arm, int]) -> list[Row]:
    arms: tuple[Arm, ...] = ("none", "demos", "irrelevant", "retrieve", "all", "teacher")
    return [row(arm, n, correct=n < right.get(arm, 0)) for arm in arms for n in range(10)]


def test_rows_are_kept_and_read_as_they_were(tmp_path: Path) -> None:
    rows = rows_under_all_arms(right={"retrieve": 8})

    keep_rows(tmp_path, USUAL, rows)

    assert rows_of(tmp_path) == {USUAL: rows}


def test_what_is_measured_again_takes_the_place_of_what_was_kept(tmp_path: Path) -> None:
    other = Measured(STUDENT, "house_codes", ABLATIONS[0].name)
    keep_rows(tmp_path, USUAL, [row("none", 1, correct=False)])
    keep_rows(tmp_path, other, [row("retrieve", 1, correct=True)])

    keep_rows(tmp_path, USUAL, [row("none", 2, correct=True)])

    assert rows_of(tmp_path) == {
        USUAL: [row("none", 2, correct=True)],
        other: [row("retrieve", 1, correct=True)],
    }


def test_the_page_tells_where_the_bank_helps_and_where_it_hurts(tmp_path: Path) -> None:
    harmed = Measured(STUDENT, "knights", AS_IT_IS.name)
    keep_rows(tmp_path, USUAL, rows_under_all_arms(right={"retrieve": 8, "teacher": 1}))
    keep_rows(tmp_path, harmed, rows_under_all_arms(right={"none": 9, "irrelevant": 9}))
    keep_rows(
        tmp_path,
        Measured(STUDENT, "house_codes", "uncentred"),
        [row("retrieve", n, correct=n < 2, tokens=60) for n in range(10)],
    )
    spent = {"calls": 90, "prompt_tokens": 9_000, "completion_tokens": 1_000}
    counts = {"active": 18, "candidate": 2, "rejected": 1}
    keep_distillation(tmp_path, USUAL, {"spent": spent, "experiences": counts, "seconds": 110.4})

    write_page(tmp_path, tmp_path / "page.md")

    page = (tmp_path / "page.md").read_text(encoding="utf-8").splitlines()
    assert "- The bank of the domain helps: house_codes." in page
    assert "- The bank of the domain hurts: knights." in page
    assert "- The bank of another domain makes no significant difference: house_codes, knights." in page
    assert (
        "| house_codes | `retrieve` | 8/10 | 0.80 [0.49, 0.94] | +8 -0 | +0.80 [+0.50, +1.00] | 0.0078 | 40 |"
        in page
    )
    assert (
        "| no centring | house_codes | 2/10 | 8/10 | +0 -6 | -0.60 [-0.90, -0.30] | 0.031 | 60 | 40 |" in page
    )
    assert f"| {STUDENT} | house_codes | as-it-is | 90 | 10,000 | 18 | 2 | 1 | 110 |" in page
