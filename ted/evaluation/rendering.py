"""A report as Markdown, and as one HTML page with its plots. The words are in templates/."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ted.evaluation import plots
from ted.evaluation.report import Report
from ted.texts import shortened

MOST_REGRESSIONS = 200
"""Of an arm in a rendering; JSON has all of them."""

QUOTED = 300
"""Characters of a question or an answer that are quoted."""


@cache
def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("ted.evaluation"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=html,
    )
    environment.filters |= {
        "quoted": _quoted,
        "usd": _usd,
        "percent": _percent,
        "plain": _plain,
        "threshold": _threshold,
    }
    environment.globals |= {"plots": plots}
    return environment


def as_markdown(report: Report) -> str:
    """Tables and lists; what models and strangers wrote cannot become markup."""
    return _environment(html=False).get_template("report.md").render(_values(report))


def as_html(report: Report) -> str:
    """One page that needs nothing else: no script, no font, no image from elsewhere."""
    return _environment(html=True).get_template("report.html").render(_values(report))


def as_part(report: Report) -> Markup:
    """The same without a frame and without colours: the body of a page that has a style sheet of its own."""
    return Markup(_environment(html=True).get_template("report_body.html").render(_values(report)))


def _values(report: Report) -> dict[str, object]:
    return {"report": report, "most": MOST_REGRESSIONS}


def _quoted(text: str) -> str:
    return shortened(text, length=QUOTED)


def _plain(text: str) -> str:
    """For Markdown: on one line, with its signs escaped."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", _quoted(text))


def _usd(amount: float | None) -> str:
    """With six digits where four would hide it."""
    if amount is None:
        return "unknown"
    return f"${amount:.4f}" if amount == 0 or amount >= 0.01 else f"${amount:.6f}"


def _threshold(threshold: float) -> str:
    return "always" if threshold > 1 else f"{threshold:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
