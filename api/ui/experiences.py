"""`/ui/banks/{bank}/experiences`: listed, shown with where they come from, edited, pinned, retired, restored, unmerged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import BeforeValidator
from starlette.responses import RedirectResponse, Response

from api.dependencies import NUMBER, Allowed, AnyBank, ExperiencePath, OpenBank, Serving
from api.routes.experiences import edited, image_response
from api.routes.versions import BY_API
from api.schemas.experiences import ExperiencePatch, StatusName
from api.ui.admission import ROOT, next_page
from api.ui.forms import PageForm, body_of, page_form
from api.ui.pages import After, Before, newest, ways
from api.ui.rendering import page
from api.ui.wording import Piece, changed
from ted.bank.changes import Change, Edit, Occasion, Unmerge
from ted.bank.listings import HistoryEntry
from ted.bank.origins import Material
from ted.bank.pages import Page
from ted.errors import NotFound

router = APIRouter(prefix=f"{ROOT}/banks/{{bank}}/experiences", include_in_schema=False)

CHANGES = 20
"""Entries of a history on one page."""

_DO = {"retire": "retired", "restore": "active", "approve": "active", "reject": "rejected"}


ChosenStatus = Annotated[StatusName | None, BeforeValidator(lambda value: value or None)]
"""A form sends an empty text where nothing was chosen."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a history, and what it changed in each text; None where the entry before is not on the page."""

    entry: HistoryEntry
    when_to_use: list[Piece] | None
    content: list[Piece] | None

    @property
    def is_reworded(self) -> bool:
        """Whether a text changed, as far as the page knows."""
        texts = (self.when_to_use, self.content)
        return any(text is None or any(piece.kind != "same" for piece in text) for text in texts)


@router.get("")
def get_experiences(
    request: Request,
    bank: AnyBank,
    service: Serving,
    status: ChosenStatus = None,
    tag: Annotated[str | None, Query(max_length=100)] = None,
    never_used: bool = False,
    after: After = None,
    before: Before = None,
) -> Response:
    """Newest first."""
    part = newest(after, before)
    tag = tag or None
    found = service.listings.experiences(bank.id, part, status=status, tag=tag, never_used=never_used)
    ids = [one.experience.id for one in found.data]
    turn = ways(
        request.url.path,
        part,
        ids,
        has_more=found.has_more,
        status=status,
        tag=tag,
        never_used="true" if never_used else None,
    )
    return page(
        request,
        "experiences.html",
        bank=bank.record,
        found=found.data,
        turn=turn,
        status=status,
        tag=tag,
        never_used=never_used,
    )


@router.get("/{experience_id}")
def get_experience(
    request: Request,
    bank: AnyBank,
    experience_id: ExperiencePath,
    service: Serving,
    allowed: Allowed,
    before: Annotated[str | None, Query(pattern=NUMBER)] = None,
) -> Response:
    """As it stands, its history newest first, and the sample that it was made from."""
    details = service.listings.experience(bank.id, experience_id)
    part = Page(CHANGES, after=before, order="desc")
    history = service.listings.history(bank.id, experience_id, part)
    return page(
        request,
        "experience.html",
        bank=bank.record,
        details=details,
        e=details.experience,
        utility=details.usage.utility,
        lineage=service.origins.lineage(bank.id, experience_id),
        entries=_entries(history.data),
        older=history.data[-1].id if history.has_more else None,
        material=_material(service, history.data)
        if allowed.may("GET", "/v1/jobs/{job_id}/items/{item_id}")
        else None,
    )


def _entries(found: tuple[HistoryEntry, ...]) -> list[Entry]:
    """Newest first, as they come."""
    told = [
        Entry(
            later,
            changed(earlier.when_to_use, later.when_to_use),
            changed(earlier.content, later.content),
        )
        for later, earlier in pairwise(found)
    ]
    return told + [Entry(last, None, None) for last in found[-1:]]


def _material(service: Serving, history: tuple[HistoryEntry, ...]) -> Material | None:
    """Of the newest change that a sample brought about, if what the job had of it is there still."""
    for entry in history:
        job, epoch, sample = (entry.provenance.get(name) for name in ("job", "epoch", "sample"))
        if job and sample and epoch is not None:
            try:
                return service.origins.material(str(job), f"{epoch}:{sample}")
            except NotFound:
                return None  # it came with a bank that was imported
    return None


@router.get("/{experience_id}/images/{sha256}")
def get_image(bank: AnyBank, experience_id: ExperiencePath, sha256: str, service: Serving) -> Response:
    """One that the experience is found by."""
    return image_response(service.origins.image(bank.id, experience_id, sha256))


@router.post("/{experience_id}")
async def post_experience(request: Request, bank: OpenBank, experience_id: ExperiencePath) -> Response:
    """One of: save the texts, pin or unpin, retire or restore, approve or reject; if nobody changed it meanwhile."""
    form = await page_form(request)
    await edited(bank, _edit_of(experience_id, form))
    back = next_page(form.fields.get("back", ""))
    return RedirectResponse(_path(bank.id, experience_id) if back == ROOT else back, 303)


def _edit_of(experience_id: str, form: PageForm) -> Edit:
    tag = form.text("tag")
    only_if = None if tag is None else (tag,)
    match form.one_of("do", "save", "pin", "unpin", *_DO):
        case "save":
            listed = [t.strip() for t in (form.text("tags") or "").split(",") if t.strip()]
            texts = {
                name: form.fields.get(name, "").replace("\r\n", "\n") for name in ("when_to_use", "content")
            }
            body = body_of(ExperiencePatch, {**texts, "tags": listed})
            return Edit(
                experience_id,
                when_to_use=body.when_to_use,
                content=body.content,
                tags=tuple(body.tags or ()),
                only_if=only_if,
            )
        case "pin" | "unpin" as do:
            return Edit(experience_id, pinned=do == "pin", only_if=only_if)
        case do:
            body = body_of(ExperiencePatch, {"status": _DO[do]})
            return Edit(experience_id, status=body.status, only_if=only_if)


@router.post("/{experience_id}/unmerge")
async def post_unmerge(bank: OpenBank, experience_id: ExperiencePath) -> Response:
    """Its parents are restored in its place."""
    await asyncio.to_thread(bank.experience, experience_id)
    await bank.apply([Change(Unmerge(experience_id), provenance=BY_API)], Occasion("api"))
    return RedirectResponse(_path(bank.id, experience_id), 303)


def _path(bank_id: str, experience_id: str) -> str:
    return f"{ROOT}/banks/{bank_id}/experiences/{quote(experience_id, safe='')}"
