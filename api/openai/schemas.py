"""Chat completions as they are asked for; what is shown of them is the provider's own, and TED's beside it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.schemas.common import Shown, Text
from ted.completion import Json

_Number = int | float
MOST_SEED = 2**63 - 1024
"""The largest of 64 bits that the document, whose bounds are floats, tells as it is."""
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")

_MESSAGE: Json = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "role": {"enum": list(_ROLES)},
        "content": {
            "type": ["string", "array", "null"],
            "description": "Images as data URLs; none is fetched.",
        },
    },
}


class StreamOptions(BaseModel):
    """What a stream tells beside its chunks."""

    model_config = ConfigDict(extra="allow", strict=True)
    include_usage: bool | None = None


class ChatCompletionIn(BaseModel):
    """OpenAI's body. Its fields go to the student as they are; those that are not OpenAI's go into the provider's
    extra body. What would choose where a call goes (`api_base`, `api_key`, `extra_headers`, ...) is refused."""

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "model": "openai/gpt-4.1-nano@desk",
                    "messages": [{"role": "user", "content": "Which queue takes a jammed printer?"}],
                    "include": ["ted"],
                }
            ]
        },
    )
    model: Text = Field(description="One of `GET /v1/models`: the student, or `<student>@<bank>`.")
    messages: Annotated[list[Json], Field(min_length=1, max_length=10_000)] = Field(
        json_schema_extra={"items": _MESSAGE}
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    include: list[Literal["ted"]] | None = Field(
        default=None,
        max_length=1,
        description="`ted`: tell in the body, too, what was shown. On a stream it is in the first chunk.",
    )
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    temperature: Annotated[_Number, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[_Number, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    frequency_penalty: Annotated[_Number, Field(ge=-2, le=2, allow_inf_nan=False)] | None = None
    presence_penalty: Annotated[_Number, Field(ge=-2, le=2, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), le=MOST_SEED)] | None = None
    stop: str | list[str] | None = None
    tools: list[Json] | None = None
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = None
    response_format: Json | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    logit_bias: dict[str, _Number] | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _can_be_passed_on(cls, body: Any) -> Any:
        if isinstance(body, bytes):  # of another content type, which is told by what reads the fields
            return body
        try:
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError:
            raise ValueError("holds half of a surrogate pair: write the whole character") from None
        except ValueError:
            raise ValueError("holds a number that JSON does not know (NaN, Infinity)") from None
        return body

    @model_validator(mode="after")
    def _has_roles(self) -> Self:
        for number, message in enumerate(self.messages):
            if message.get("role") not in _ROLES:
                raise ValueError(
                    f"messages.{number}.role is {message.get('role')!r}: there are {', '.join(_ROLES)}"
                )
        return self

    @property
    def sent(self) -> Json:
        """All that was sent beside model and messages, as it was sent."""
        declared = self.model_fields_set & type(self).model_fields.keys() - {"model", "messages"}
        given = {name: getattr(self, name) for name in declared} | (self.model_extra or {})
        if self.stream_options is not None:
            given["stream_options"] = self.stream_options.model_dump(exclude_unset=True)
        return given


class ModelOut(Shown):
    """A model that chat completions take: the student, or the student with a bank."""

    id: str = Field(examples=["openai/gpt-4.1-nano@desk"])
    object: Literal["model"] = "model"
    created: int = Field(description="Unix seconds at which its bank was made; 0 for the student alone.")
    owned_by: str = "ted"


class ModelList(Shown):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[ModelOut]
