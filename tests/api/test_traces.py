"""Traces: what a request did is one trace with the caller's id, without a word of what was asked or answered."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.api_desk import QUESTION, Desk
from tests.serving import Server
from tests.upstream import Upstream

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Of this process, which has one provider for ever."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(desk: Desk, exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    """Those of this test."""
    exporter.clear()
    return exporter


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_question_is_one_trace_in_that_of_the_caller(desk: Desk, spans: InMemorySpanExporter) -> None:
    desk.client.post(
        "/v1/answers", json={"bank": "desk", "question": QUESTION}, headers=PARENT
    ).raise_for_status()

    found = by_name(spans)
    assert set(found) == {"POST /v1/answers", "embed", "search", "chat openai/student"}
    assert {f"{span.context.trace_id:032x}" for span in found.values()} == {TRACE}
    request, call = found["POST /v1/answers"], found["chat openai/student"]
    assert (request.kind, call.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert call.parent is not None
    assert call.parent.span_id == request.context.span_id
    assert of(request) == {
        "http.request.method": "POST",
        "http.route": "/v1/answers",
        "http.response.status_code": 200,
    }
    told = of(call)
    assert told.pop("gen_ai.usage.input_tokens") > 0
    assert told.pop("gen_ai.usage.output_tokens") > 0
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "openai/student",
        "gen_ai.response.model": "student",
        "gen_ai.provider.name": "openai",
        "ted.call.role": "student",
    }
    assert of(found["search"])["ted.retrieval.found"] == 1


def test_a_failed_call_is_told_by_its_class_alone(desk: Desk, spans: InMemorySpanExporter) -> None:
    desk.ask("provider says 401, and here is a secret")

    found = by_name(spans)
    call, request = found["chat openai/student"], found["POST /v1/answers"]
    assert of(call)["error.type"] == "ModelRefused"
    assert (call.status.status_code, call.status.description) == (StatusCode.ERROR, None)
    assert of(request)["http.response.status_code"] == 502
    assert (request.status.status_code, request.events) == (StatusCode.ERROR, ())


@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_is_traced_whole_or_streamed(
    desk: Desk, spans: InMemorySpanExporter, stream: bool
) -> None:
    body = {"model": "openai/student@desk", "messages": [{"role": "user", "content": QUESTION}]}

    desk.client.post("/v1/chat/completions", json={**body, "stream": stream}).raise_for_status()

    found = by_name(spans)
    assert set(found) == {"POST /v1/chat/completions", "embed", "search", "chat openai/student"}
    call, request = found["chat openai/student"], found["POST /v1/chat/completions"]
    assert call.context.trace_id == request.context.trace_id
    assert of(call)["gen_ai.usage.output_tokens"] > 0
    assert of(call)["gen_ai.response.model"] == "student"


def test_a_job_is_a_trace_of_its_own_with_its_items(desk: Desk, spans: InMemorySpanExporter) -> None:
    response = desk.distil(2, trajectories=1)
    job = desk.ended(response.json()["id"])
    assert job["status"] == "succeeded"

    for _ in range(200):  # the job has ended for its readers a moment before its span has
        if "job distillation" in by_name(spans):
            break
        threading.Event().wait(0.02)

    run = by_name(spans)["job distillation"]
    assert run.parent is None
    assert of(run)["ted.job.id"] == job["id"]
    assert of(run)["ted.job.status"] == "succeeded"
    within = [s for s in spans.get_finished_spans() if s.context.trace_id == run.context.trace_id]
    items = [s for s in within if s.name == "item"]
    assert len(items) == 2
    calls = [s for s in within if s.name.startswith("chat ")]
    assert {s.parent.span_id for s in calls if s.parent} <= {s.context.span_id for s in items}
    assert {of(s)["ted.call.role"] for s in calls} >= {"student", "solve"}


def test_no_span_holds_what_was_asked_or_answered(desk: Desk, spans: InMemorySpanExporter) -> None:
    desk.ask().raise_for_status()
    desk.ask("provider says 500: jammed")
    desk.client.get("/v1/answers/ans_nobody")
    desk.client.get("/healthz")
    desk.client.get("/nowhere/FX-31")

    everything = "".join(span.to_json() for span in spans.get_finished_spans())

    for word in ("jammed", "FX-31", "Printers", "ans_", "desk", "test"):
        assert word not in everything
    assert "GET /v1/answers/{answer_id}" in by_name(spans)
    assert "GET /healthz" not in by_name(spans)


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """A collector's double on loopback: its address, and what it was sent."""
    received: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", received
    finally:
        server.shutdown()
        server.server_close()


def test_a_server_sends_its_traces_by_otlp(tmp_path: Path, provider: Upstream) -> None:
    with collector() as (address, received):
        server = Server(
            tmp_path, provider, more={"TED_TRACES": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": address}
        )
        client = server.start()
        client.get("/v1/banks", headers=PARENT).raise_for_status()
        client.close()
        server.stop(signal.SIGTERM)

    resources = [resource for request in received for resource in request.resource_spans]
    names = {s.name for r in resources for scope in r.scope_spans for s in scope.spans}
    assert "GET /v1/banks" in names
    (service,) = {
        a.value.string_value for r in resources for a in r.resource.attributes if a.key == "service.name"
    }
    assert service == "ted"
    assert any(s.trace_id.hex() == TRACE for r in resources for scope in r.scope_spans for s in scope.spans)
