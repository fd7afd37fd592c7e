"""`/v1/models`: what chat completions can be asked of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.dependencies import Serving
from api.openai.models import all_models, model_named
from api.openai.schemas import ModelList, ModelOut
from api.schemas.problem import errors

router = APIRouter(prefix="/v1/models", tags=["OpenAI"])


@router.get("", summary="List models", responses=errors(body=False))
def get_models(service: Serving) -> ModelList:
    """The configured student, and it with each bank."""
    return ModelList(data=all_models(service))


@router.get("/{model:path}", summary="Show a model", responses=errors(404, body=False))
def get_model(
    model: Annotated[str, Path(description="The student's name, or `<student>@<bank>`.")], service: Serving
) -> ModelOut:
    """One of them."""
    return model_named(model, service)
