"""Spans as OpenTelemetry makes, samples and sends them: imported only by a process that exports (`kit/telemetry`)."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from theatre import __version__

NAMESPACE = "theatre"


class Exporter:
    """Makes spans and sends them in batches. Every service has a name of its own, also where one process is many."""

    def __init__(self, endpoint: str, environment: str) -> None:
        self._environment = environment
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))
        self._tracers: dict[str, Tracer] = {}

    def start(
        self,
        service: str,
        name: str,
        parent: str | None,
        *,
        kind: str,
        attributes: Mapping[str, Any] | None = None,
        link: str | None = None,
    ) -> Span:
        """Start a span below a `traceparent`; whether it is recorded is for the sampler to say."""
        above = set_span_in_context(NonRecordingSpan(_read(parent)), Context()) if parent else Context()
        tracer = self._tracers.get(service) or self._make_tracer(service)
        links = [Link(_read(link))] if link else None
        return tracer.start_span(name, above, SpanKind[kind], attributes, links)

    def _make_tracer(self, service: str) -> Tracer:
        words = {
            "service.name": service,
            "service.namespace": NAMESPACE,
            "service.version": __version__,
            "deployment.environment.name": self._environment,
        }
        # the sampler is the one that OTEL_TRACES_SAMPLER names
        provider = TracerProvider(resource=Resource.create(words), shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        tracer = self._tracers[service] = provider.get_tracer(NAMESPACE, __version__)
        return tracer

    def stop(self) -> None:
        """Send what is left, and end."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]


def fail(span: Span, kind: str) -> None:
    """Mark a span as failed."""
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", kind)


def _read(traceparent: str) -> SpanContext:
    flags = TraceFlags(int(traceparent[53:], 16))
    return SpanContext(
        int(traceparent[3:35], 16), int(traceparent[36:52], 16), is_remote=True, trace_flags=flags
    )


def traceparent_of(span: Span) -> str:
    """Write a span's context as the W3C header does."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
