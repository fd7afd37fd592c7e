"""Spans of what happens, by OpenTelemetry's API alone: they go nowhere until ted/trace_export is asked for.

Names, numbers and ids only: no text of a question, prompt, answer or error, no image and no key is ever in a span.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Value = str | int | float | bool | None

_tracer = trace.get_tracer("ted")
_propagator = TraceContextTextMapPropagator()

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""OpenTelemetry's names of providers, by litellm's where the two differ."""


@contextmanager
def span(name: str, **attributes: Value) -> Iterator[Span]:
    """A stage within whatever span is current; it is current itself in the block. Attributes: `ted_bank` is `ted.bank`."""
    with current(_tracer.start_span(name, attributes=_dotted(attributes))) as made:
        yield made


@contextmanager
def root_span(name: str, **attributes: Value) -> Iterator[Span]:
    """The same, of something that outlives whoever began it."""
    with current(_tracer.start_span(name, context=Context(), attributes=_dotted(attributes))) as made:
        yield made


@contextmanager
def request_span(method: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """A request that the server answers, in the trace that its `traceparent` names, if any."""
    parent = _propagator.extract(headers, Context())
    begun = {"http.request.method": method}
    with current(_tracer.start_span(method, context=parent, kind=SpanKind.SERVER, attributes=begun)) as made:
        yield made


def end_of_request(made: Span, method: str, route: str, status: int) -> None:
    """What is known of a request once it was answered; `route` is the template of its path."""
    made.update_name(f"{method} {route}")
    made.set_attributes({"http.route": route, "http.response.status_code": status})
    if status >= 500:
        made.set_attribute("error.type", str(status))
        made.set_status(Status(StatusCode.ERROR))


def model_span(model: str, call_key: str) -> Span:
    """A call of a model, by the semantic conventions for generative AI. Not current by itself; end it."""
    role = call_key.rsplit(":", 2)[-2] if call_key.count(":") >= 2 else ""
    return _tracer.start_span(
        f"chat {model}",
        kind=SpanKind.CLIENT,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.provider.name": provider_of(model),
            "ted.call.role": role,
        },
    )


@contextmanager
def current(made: Span) -> Iterator[Span]:
    """Makes a span the current one of the block, and ends it."""
    with (
        trace.use_span(made, end_on_exit=True, record_exception=False, set_status_on_exception=False),
        told(made),
    ):
        yield made


@contextmanager
def ending(made: Span) -> Iterator[Span]:
    """Ends a span that is not current: in a generator, which others step, nothing may stay current between steps."""
    try:
        with told(made):
            yield made
    finally:
        made.end()


@contextmanager
def told(made: Span) -> Iterator[None]:
    """An exception that passes is told by its class; its text may quote what was being worked on."""
    try:
        yield
    except BaseException as error:
        left = isinstance(error, asyncio.CancelledError | GeneratorExit)
        made.set_attribute("error.type", "cancelled" if left else type(error).__name__)
        if not left:
            made.set_status(Status(StatusCode.ERROR))
        raise


def used(made: Span, *, prompt_tokens: int, completion_tokens: int) -> None:
    """What an answered call came to."""
    made.set_attributes(
        {"gen_ai.usage.input_tokens": prompt_tokens, "gen_ai.usage.output_tokens": completion_tokens}
    )


def answered_by(model: object, made: Span | None = None) -> None:
    """The model that answered, as the provider names it; for the current span unless it is another's."""
    if isinstance(model, str) and model:
        (made or trace.get_current_span()).set_attribute("gen_ai.response.model", model)


def provider_of(model: str) -> str:
    """From litellm's name of a model."""
    provider, slash, _ = model.partition("/")
    if slash:
        return _PROVIDERS.get(provider, provider)
    return "anthropic" if model.startswith("claude") else "openai"


def _dotted(attributes: Mapping[str, Value]) -> dict[str, str | int | float | bool]:
    return {name.replace("_", "."): value for name, value in attributes.items() if value is not None}
