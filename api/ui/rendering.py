"""Pages and parts of pages from templates/*.html; how numbers, times and amounts are written in them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.scopes import Authority
from api.ui import drawing
from ted.bank.keys import Key

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
HTMX = "HX-Request"
"""The header by which htmx says that it wants a part of a page."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("api.ui"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters |= {
        "number": number,
        "amount": amount,
        "usd": usd,
        "signed": signed,
        "percent": percent,
        "when": when,
        "stamp": stamp,
        "milliseconds": milliseconds,
    }
    environment.globals |= {"draw": drawing}
    return environment


def page(request: Request, template: str, *, code: int = 200, **values: Any) -> HTMLResponse:
    """A page, or a part of one, for who asked: templates know by `may` what these may do."""
    authority: Authority | None = getattr(request.state, "authority", None)
    key: Key | None = getattr(request.state, "key", None)
    given = {
        "authority": authority,
        "may": authority.may if authority else lambda method, path: False,
        "key": key,
        "path": request.url.path,
        "request_id": getattr(request.state, "request_id", ""),
    }
    return HTMLResponse(_environment().get_template(template).render(given | values), code)


def number(value: float | None, digits: int = 0) -> str:
    """With thousands apart; what is not known is a dash."""
    return DASH if value is None else f"{value:,.{digits}f}"


def amount(value: float) -> str:
    """Of what may be counted in parts: with a digit after the point where there is one."""
    return f"{value:,.1f}".removesuffix(".0")


def usd(cost: float | None) -> str:
    """With six digits where four would hide it."""
    if cost is None:
        return "price not known"
    return f"${cost:,.4f}" if cost == 0 or cost >= 0.01 else f"${cost:.6f}"


def signed(value: float | None) -> str:
    """With its sign, as utilities and differences are written; a true minus."""
    return DASH if value is None else f"{value:+.2f}".replace("-", MINUS)


def percent(share: float | None) -> str:
    """Of a share."""
    return DASH if share is None else f"{100 * share:.1f} %"


def when(moment: datetime | None) -> str:
    """To the minute, in UTC."""
    return DASH if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def stamp(moment: datetime) -> str:
    """As the attribute `datetime` has it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def milliseconds(value: float) -> str:
    """Seconds from one second on."""
    return f"{value / 1_000:.2f} s" if value >= 1_000 else f"{value:.0f} ms"
