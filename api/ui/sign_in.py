"""`/ui/sign-in` and `/ui/sign-out`: a session opened with a key, and ended."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.dependencies import Allowed, Running
from api.ui.admission import ROOT, SIGN_IN, forget, next_page, remember, token_of
from api.ui.rendering import page

router = APIRouter(prefix=ROOT, include_in_schema=False)

LONGEST = 500
"""Characters of a key that is tried; ours have 58."""


@router.get("")
def get_root(allowed: Allowed) -> Response:
    """The first page that the key may see."""
    pages = (f"{ROOT}/banks", f"{ROOT}/playground", f"{ROOT}/jobs")
    return RedirectResponse(next((p for p in pages if allowed.may("GET", p)), pages[0]), 303)


@router.get("/sign-in")
def get_sign_in(request: Request, next: str = ROOT) -> Response:
    """The form."""
    return page(request, "sign_in.html", next=next_page(next), problem=None)


@router.post("/sign-in")
async def post_sign_in(request: Request, running: Running) -> Response:
    """A cookie for who has a key that works; the same words for every other."""
    form = await request.form(max_files=0, max_fields=4, max_part_size=10_000)
    secret, asked = (str(form.get(name, "")).strip() for name in ("key", "next"))
    key = await running.keyring.key_of(secret) if 0 < len(secret) <= LONGEST else None
    if key is None:
        problem = "This key is not known, or works no more."
        return page(request, "sign_in.html", code=401, next=next_page(asked or ROOT), problem=problem)
    lasts = timedelta(hours=running.ted.settings.session_hours)
    token = await asyncio.to_thread(running.keyring.sessions.open, key, lasts=lasts)
    response = RedirectResponse(next_page(asked or ROOT), 303)
    remember(response, token, lasts=lasts, secure=request.url.scheme == "https")
    return response


@router.post("/sign-out")
async def post_sign_out(request: Request, running: Running, allowed: Allowed) -> Response:
    """The session is worth nothing any more, here at once and at other servers within a second."""
    if token := token_of(request):
        await asyncio.to_thread(running.keyring.sessions.end, token)
        running.keyring.forget()
    response = RedirectResponse(SIGN_IN, 303)
    forget(response)
    return response
