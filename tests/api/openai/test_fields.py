"""Which fields reach the provider, and how; and which are refused, since they would choose where a call goes."""

from __future__ import annotations

import inspect
from typing import Any

import openai
import pytest

from api.openai.fields import OPENAI, is_routing
from tests.api.test_answers import png_url
from tests.api_desk import check_problem
from tests.openai_face import MODEL, STUDENT, Face

OPTIONS: dict[str, Any] = {
    "temperature": 0,
    "top_p": 0.5,
    "seed": 7,
    "stop": ["\n", "END"],
    "max_tokens": 11,
    "max_completion_tokens": 12,
    "frequency_penalty": 0.1,
    "presence_penalty": -0.1,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "top_logprobs": 2,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
    "user": "ann",
    "metadata": {"ticket": "17"},
    "store": False,
    "reasoning_effort": "low",
    "verbosity": "low",
    "service_tier": "auto",
    "prompt_cache_key": "k",
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "prediction": {"type": "content", "content": "FX"},
    "modalities": ["text"],
    "audio": {"voice": "x", "format": "wav"},
    "web_search_options": {},
    "tools": [],
    "tool_choice": "none",
    "parallel_tool_calls": True,
    "functions": [],
    "function_call": "none",
    "n": 1,
}
ROUTING = """
api_base base_url api_key api_version extra_headers headers custom_llm_provider mock_response organization
model_list fallbacks timeout max_retries num_retries drop_params allowed_openai_params litellm_params proxy
azure_ad_token vertex_credentials aws_secret_access_key input_cost_per_token callbacks default_headers
litellm_credential_name shared_session ssl_verify _skip_mcp_handler API_BASE deployment_id client
"""


def post(face: Face, **more: Any) -> Any:
    """A request by a plain client."""
    with face.http() as client:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "?"}], **more}
        return client.post("/v1/chat/completions", json=body)


@pytest.mark.parametrize("stream", [False, True])
def test_openais_fields_reach_the_provider_as_they_were_sent(face: Face, stream: bool) -> None:
    more = {"stream": True} if stream else {}

    post(face, **OPTIONS, **more).raise_for_status()

    sent = face.provider.bodies[-1]
    assert {*OPTIONS, "stream_options"} == OPENAI
    assert {name: sent[name] for name in OPTIONS} == OPTIONS
    assert set(sent) - set(OPTIONS) - {"model", "messages"} == (
        {"stream", "stream_options"} if stream else set()
    )


def test_fields_that_are_not_openais_go_into_the_body_only(face: Face) -> None:
    extra = {"top_k": 3, "guided_json": {"properties": {"api_base": {}}}, "extra_body": {"min_p": 0.1}}

    post(face, **extra).raise_for_status()

    sent = face.provider.bodies[-1]
    assert (sent["top_k"], sent["min_p"], sent["guided_json"]) == (3, 0.1, extra["guided_json"])
    assert "extra_body" not in sent


def test_nulls_are_as_if_left_out(face: Face) -> None:
    post(face, temperature=None, stop=None, stream=None, tools=None).raise_for_status()

    assert set(face.provider.bodies[-1]) == {"model", "messages"}


@pytest.mark.parametrize("field", ROUTING.split())
@pytest.mark.parametrize("nested", [0, 1, 2])
def test_what_would_choose_where_a_call_goes_is_refused(face: Face, field: str, nested: int) -> None:
    before = len(face.provider.bodies)
    more: dict[str, Any] = {field: "http://127.0.0.1:9"}
    for _ in range(nested):
        more = {"extra_body": more}

    response = post(face, **more)

    check_problem(response, 422, "invalid_field", ["body", *["extra_body"] * nested, field])
    assert len(face.provider.bodies) == before


@pytest.mark.parametrize("field", ["model", "messages", "temperature", "stream", "include"])
def test_an_extra_body_brings_in_no_field_of_openais(face: Face, field: str) -> None:
    response = post(face, extra_body={field: "x"})

    check_problem(response, 422, "invalid_field", ["body", "extra_body", field])


def test_whatever_litellm_takes_is_openais_or_refused() -> None:
    import litellm
    from litellm.types.utils import all_litellm_params

    taken = {*all_litellm_params, *litellm.constants.OPENAI_CHAT_COMPLETION_PARAMS}
    for function in (litellm.acompletion, litellm.completion):
        taken |= set(inspect.signature(function).parameters)
    harmless = {"kwargs", "stream", "model", "messages", "thinking", "include_server_side_tool_invocations"}

    assert len(taken) > 200
    assert [name for name in sorted(taken - OPENAI - harmless) if not is_routing(name)] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 2.1),
        ("temperature", "hot"),
        ("temperature", True),
        ("n", 0),
        ("n", 1.5),
        ("top_p", -0.1),
        ("max_tokens", 0),
        ("seed", 2**63),
        ("stop", 3),
        ("tools", {}),
        ("stream", "yes"),
        ("messages", []),
        ("messages", "hello"),
        ("model", ""),
        ("include", ["everything"]),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_name(face: Face, field: str, value: Any) -> None:
    body = post(face, **{field: value}).json()

    assert (body["status"], body["code"]) == (422, "validation_failed")
    assert {error["loc"][1] for error in body["errors"]} == {field}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ([{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}], [0, "image_url", "url"]),
        ([{"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}], [0, "image_url", "url"]),
        ([{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}], [0, "image_url", "url"]),
        (
            [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": png_url()}],
            [1, "image_url", "url"],
        ),
        (
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
            [0, "image_url", "url"],
        ),
        ([{"type": "file", "file": {"file_id": "https://example.org/a.pdf"}}], [0]),
        ([{"type": "text"}], [0, "text"]),
        (["hello"], [0]),
        (3, []),
    ],
)
@pytest.mark.parametrize("role", ["user", "tool"])
def test_a_part_that_cannot_be_used_is_refused_and_nothing_is_fetched(
    face: Face, content: Any, place: list[Any], role: str
) -> None:
    before = len(face.provider.bodies)
    messages = [{"role": "user", "content": "?"}, {"role": role, "content": content, "tool_call_id": "c"}]

    response = post(face, messages=messages)

    check_problem(response, 422, "invalid_field", ["body", "messages", 1, "content", *place])
    assert len(face.provider.bodies) == before


@pytest.mark.parametrize(
    "raw", [b'{"x": NaN, "model": "m", "messages": [{"role": "user"}]}', b'{"model": "\\ud800"}']
)
def test_what_json_cannot_carry_is_refused(face: Face, raw: bytes) -> None:
    with face.http() as client:
        headers = {"Content-Type": "application/json"}
        response = client.post("/v1/chat/completions", content=raw, headers=headers)

    check_problem(response, 422, "validation_failed", ["body"])


def test_openais_client_raises_its_own_exception_for_it(face: Face) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        face.ask("?", model=STUDENT, extra_body={"api_base": "http://127.0.0.1:9"})

    assert (refused.value.code, refused.value.param) == ("invalid_field", "api_base")
