"""What each request and response of the dashboard has: a session's cookie, an origin, headers that bind browsers."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote, urlsplit

from fastapi import Request, Response

from api.ui.rendering import HTMX

ROOT = "/ui"
SIGN_IN = f"{ROOT}/sign-in"
STATIC = f"{ROOT}/static/"
COOKIE = "ted_session"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""No script or style but the files under STATIC, and nothing from anywhere else."""


def is_page(path: str) -> bool:
    """Whether the path is the dashboard's."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def headers_of(path: str) -> dict[str, str]:
    """Of a response: pages are kept nowhere, files are asked for anew if they changed."""
    return HEADERS | {"Cache-Control": "no-cache" if path.startswith(STATIC) else "no-store"}


def token_of(request: Request) -> str | None:
    """The token of the session that a request brings."""
    return request.cookies.get(COOKIE) or None


def is_ours(request: Request) -> bool:
    """Whether a request that changes something was made by a page of this server, as the browser says.

    Old browsers and plain HTTP have no Sec-Fetch-Site; who says neither is refused.
    """
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("Host")


def remember(response: Response, token: str, *, lasts: timedelta, secure: bool) -> None:
    """Gives the browser the session's cookie, which no script sees and no other site's page sends."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(lasts.total_seconds()),
        path=ROOT,
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def forget(response: Response) -> None:
    """Takes the cookie back."""
    response.delete_cookie(COOKIE, path=ROOT, httponly=True, samesite="strict")


def to_sign_in(request: Request) -> Response:
    """The way to the form, and back again afterwards to the page that was asked for."""
    where = SIGN_IN
    if request.method == "GET" and request.url.path not in (ROOT, SIGN_IN) and HTMX not in request.headers:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        where += f"?next={quote(asked, safe='')}"
    if HTMX in request.headers:
        return Response(status_code=200, headers={"HX-Redirect": where})
    return Response(status_code=303, headers={"Location": where})


def next_page(asked: str) -> str:
    """Where to go after signing in: a page of the dashboard, whatever was asked for."""
    parts = urlsplit(asked)
    if parts.scheme or parts.netloc or not is_page(parts.path) or "\\" in asked:
        return ROOT
    return asked
