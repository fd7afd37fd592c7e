"""`ted stats`: the figures of a bank, laid out for a terminal; they are ted/bank/figures'."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from ted.bank.figures import bank_figures
from ted.cli import output
from ted.cli.context import exit_on_errors, opened
from ted.cli.options import AsJson, BankName

BAR = 30
"""Characters of the longest bar of the utility distribution."""


@exit_on_errors
def stats(
    bank: BankName,
    near_duplicates: Annotated[
        bool, typer.Option("--near-duplicates", help="Count near-duplicates, too; embeds every active text.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Figures of a bank: growth, usage, utility, rates, tokens and cost. (The index is that of a serving process.)"""
    with opened() as ted:
        figures = asyncio.run(
            bank_figures(ted.bank(bank), student=ted.settings.student, with_near_duplicates=near_duplicates)
        )
    output.emit(figures, _shown(figures), json)


def _shown(f: dict[str, Any]) -> RenderableType:
    return Group(
        f"[bold]{f['name']}[/] ({f['bank']}), revision {f['revision']}",
        "",
        _facts(f),
        *((f"[yellow]{f['notice']}[/]",) if f["notice"] else ()),
        "",
        _growth(f["growth"]),
        _distribution(f["utility"]),
        _ranked("Most useful", f["utility"]["top"]),
        _ranked("Least useful", f["utility"]["worst"]),
        _spending(f["spending"]),
    )


def _facts(f: dict[str, Any]) -> Table:
    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold")
    made.add_column()
    never, utility, near = f["never_used"], f["utility"], f["near_duplicates"]
    rows = {
        "experiences": _counts(f["experiences"]) + (f", {f['pinned']} pinned" if f["pinned"] else ""),
        "made with": ", ".join(f"{s['student'] or 'nobody'}: {s['experiences']}" for s in f["students"])
        or "none",
        "usage": _counts(f["usage"]),
        "never used": str(never["count"]) + (f" ({', '.join(never['oldest'])})" if never["count"] else ""),
        "utility": f"{utility['graded']} known, mean {_number(utility['mean'])}; {utility['ungraded']} not known yet",
        "against no bank": _compared(f["trials"]),
        "answers": _counts(f["answers"]),
        "retrieval, answering": _rates(f["retrieval"]["answers"]),
        "retrieval, distilling": _rates(f["retrieval"]["distillation"]),
        "jobs": _counts(f["jobs"]),
        "near-duplicates": "not counted (--near-duplicates)"
        if near is None
        else f"{near['clusters']} clusters of {near['experiences']} experiences",
    }
    for name, told in rows.items():
        made.add_row(name, told)
    return made


def _counts(counts: dict[str, Any]) -> str:
    return (
        ", ".join(f"{value:g} {name.replace('_', ' ')}" for name, value in counts.items() if value) or "none"
    )


def _compared(t: dict[str, Any]) -> str:
    told = f"{t['with_bank']} graded answers with it, {t['without_bank']} without"
    if t["difference"] is not None:
        told += f": {t['difference']:+.2f} ({t['low']:+.2f} to {t['high']:+.2f})"
    return f"[bold red]ALARM: the bank hurts since {t['since']}[/]; {told}" if t["alarm"] else told


def _rates(r: dict[str, Any]) -> str:
    if not r["questions"]:
        return "no question yet"
    return f"{r['questions']} questions, hit {r['hit_rate']:.1%}, abstained {r['abstain_rate']:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"


def _table(title: str, *columns: str) -> Table:
    made = Table(title=title, title_justify="left")
    for column in columns:
        made.add_column(
            column, overflow="fold", justify="left" if column in ("what", "role", "when") else "right"
        )
    return made


def _growth(growth: Sequence[dict[str, Any]]) -> RenderableType:
    made = _table("Growth", "revision", "active", "what")
    for one in growth[-10:]:
        made.add_row(str(one["revision"]), str(one["active"]), f"{one['reason']} {one['job'] or ''}".strip())
    return made if growth else "Growth: nothing has changed yet."


def _distribution(utility: dict[str, Any]) -> RenderableType:
    if not utility["graded"]:
        return "Utility: nothing is known yet."
    made = _table("Utility", "from", "to", "experiences", "what")
    most = max(bucket["count"] for bucket in utility["distribution"])
    for bucket in utility["distribution"]:
        bar = "█" * round(BAR * bucket["count"] / most)
        made.add_row(f"{bucket['low']:+.1f}", f"{bucket['high']:+.1f}", str(bucket["count"]), bar)
    return made


def _ranked(title: str, ranked: Sequence[dict[str, Any]]) -> RenderableType:
    if not ranked:
        return ""
    made = _table(title, "utility", "90 %", "shown", "withheld", "when")
    for one in ranked[:5]:
        interval = f"{one['low']:+.2f} to {one['high']:+.2f}"
        shown, withheld = f"{one['shown']:.0f}", f"{one['withheld']:.0f}"
        made.add_row(_number(one["utility"]), interval, shown, withheld, one["when_to_use"])
    return made


def _spending(spending: dict[str, Any]) -> RenderableType:
    parts = [*spending["by_role_and_model"], spending["total"]]
    made = _table("Tokens and cost", "role", "what", "calls", "failed", "prompt", "completion", "cost")
    for part in parts:
        numbers = (part["calls"], part["failed_calls"], part["prompt_tokens"], part["completion_tokens"])
        made.add_row(part["role"], part["model"], *map(str, numbers), _cost(part))
    return made


def _cost(part: dict[str, Any]) -> str:
    if part["cost_usd"] is not None:
        return f"${part['cost_usd']:.4f}"
    known = f"${part['priced_usd']:.4f} and " if part["priced_usd"] else ""
    return f"{known}{part['unpriced_calls']} calls of unknown price"
