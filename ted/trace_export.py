"""Sends spans to a collector by OTLP, as OpenTelemetry's own `OTEL_*` variables say: the only importer of its SDK."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ted.errors import BadSetting

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

FLUSH_MILLISECONDS = 5_000

_lock = threading.Lock()
_provider: TracerProvider | None = None


def begin_export() -> None:
    """From now on the spans of this process are exported; once a process. Raises BadSetting without the SDK."""
    global _provider
    with _lock:
        if _provider is None:
            _provider = _made()


def flush() -> None:
    """Sends what waits, if anything is exported: before the end of a process, or when its work is done."""
    if _provider is not None:
        _provider.force_flush(FLUSH_MILLISECONDS)


def _made() -> TracerProvider:
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise BadSetting(
            f"TED_TRACES is on, but OpenTelemetry's SDK cannot be imported ({error}): install the extra `otel`"
        ) from error
    resource = Resource.create()
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "ted"}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider
