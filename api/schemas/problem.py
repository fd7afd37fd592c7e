"""The one body of every error: RFC 9457's fields, and OpenAI's `error`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """Where in the request, and what is wrong there."""

    loc: list[str | int] = Field(examples=[["body", "samples", 3, "answer"]])
    msg: str = Field(examples=["is missing: write it"])


class OpenAIError(BaseModel):
    """The same, as clients of OpenAI read it."""

    message: str
    type: str
    param: str | None
    code: str


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:ted:problem:not_found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "there is no bank 'tickets'",
                    "code": "not_found",
                    "request_id": "req_5f1c0a9b7d3e4c21",
                    "errors": [],
                    "error": {
                        "message": "there is no bank 'tickets'",
                        "type": "invalid_request_error",
                        "param": None,
                        "code": "not_found",
                    },
                }
            ]
        }
    )
    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem]
    error: OpenAIError


TITLES = {
    400: "Malformed request",
    401: "Key needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    421: "Misdirected",
    422: "Cannot be used",
    429: "Too many calls",
    500: "Internal error",
    502: "Provider failed",
    503: "Not ready",
    504: "Provider timed out",
}

_ALWAYS = (400, 413, 415, 422, 500)
"""Answers that any route with a body may give."""


def errors(*statuses: int, body: bool = True) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, as FastAPI documents responses. Without a body none of it is wrong."""
    always = _ALWAYS if body else (422, 500)
    return {
        status: {
            "description": TITLES[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({*always, *statuses})
    }
