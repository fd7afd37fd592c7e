"""`/v1/jobs/{id}/events`: what befell a job, as a list or as a stream that ends with the job."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from api.dependencies import NUMBER, JobPath, NumberedPaging, Serving
from api.schemas.common import ListOf, events, listed
from api.schemas.jobs import EventOut
from api.schemas.problem import errors
from api.service import Service
from ted.bank.job_events import Event
from ted.bank.job_values import UNFINISHED
from ted.bank.pages import Page

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

EVENT_STREAM = "text/event-stream"
LOOK_SECONDS = 0.25
QUIET_SECONDS = 15.0
"""After so long without an event a comment is sent, so that nobody between takes the stream for dead."""

_STREAM = {"content": events("The event as JSON.")}


@router.get(
    "/{job_id}/events",
    summary="A job's events",
    response_model=ListOf[EventOut],
    responses=errors(404, body=False) | {200: _STREAM},
)
async def get_events(
    job_id: JobPath,
    page: NumberedPaging,
    service: Serving,
    accept: Annotated[str, Header(description=f"`{EVENT_STREAM}` for a stream.")] = "",
    last_event_id: Annotated[
        str | None, Header(description="A stream begins after this event.", pattern=NUMBER)
    ] = None,
) -> ListOf[EventOut] | Response:
    """A page of them; or, with `Accept: text/event-stream`, all from `Last-Event-ID` on as they come.

    The stream ends with the job: after `job.succeeded`, `job.failed` or `job.cancelled`; and with the server.
    """
    await asyncio.to_thread(service.job_listings.job, job_id)
    if EVENT_STREAM in accept:
        seen = int(last_event_id or page.after or 0)
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            event_stream(service, job_id, seen), media_type=EVENT_STREAM, headers=headers
        )
    found = await asyncio.to_thread(service.job_events.events, job_id, page)
    data = [EventOut.of(event) for event in found.data]
    return listed(data, [event.id for event in data], has_more=found.has_more)


async def event_stream(service: Service, job_id: str, seen: int) -> AsyncIterator[str]:
    """The events that follow `seen` as they come, as text/event-stream; it ends with the job, and with the server."""
    spoken = time.monotonic()
    while True:
        ended = (await asyncio.to_thread(service.ted.jobs.get, job_id)).status not in UNFINISHED
        page = Page(limit=100, after=str(seen))
        found = await asyncio.to_thread(service.job_events.events, job_id, page)
        for event in found.data:
            yield _written(event)
            seen, spoken = event.sequence, time.monotonic()
        if found.has_more:
            continue
        if service.ted.drain.begun:  # the next server goes on from Last-Event-ID
            return
        if ended:  # looked up before its events were, so that the last of them was among these
            return
        if time.monotonic() - spoken > QUIET_SECONDS:
            yield ": still here\n\n"
            spoken = time.monotonic()
        await asyncio.sleep(LOOK_SECONDS)


def _written(event: Event) -> str:
    data = json.dumps(EventOut.of(event).model_dump(mode="json"), ensure_ascii=False)
    return f"id: {event.sequence}\nevent: {event.event}\ndata: {data}\n\n"
