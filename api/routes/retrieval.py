"""`/v1/banks/{bank}/retrieve`: what the bank has for a question, without asking anybody."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from api.dependencies import OpenBank, Serving, read_images
from api.schemas.answers import RetrieveIn, RetrieveOut
from api.schemas.problem import errors
from ted.sample import Question

router = APIRouter(prefix="/v1/banks/{bank}", tags=["banks"])


@router.post("/retrieve", summary="Find experiences for a question", responses=errors(404, 503))
async def post_retrieve(bank: OpenBank, body: RetrieveIn, service: Serving) -> RetrieveOut:
    """Hits with their similarities, as an answer would show them; it does not count as usage."""
    images = (
        await asyncio.to_thread(read_images, body.images, service.ted.image_reader()) if body.images else ()
    )
    question = Question(body.question, images)
    wanted = {"k": body.k, "min_similarity": body.min_similarity}
    settings = bank.record.retrieval.with_options(wanted)
    found = await bank.retrieve(question, settings, tags=body.filters.tags, status=body.filters.status)
    return RetrieveOut.of(bank.id, found, settings, explain=body.explain)
