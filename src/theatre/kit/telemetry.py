"""Traces: W3C context carried over HTTP and through the broker, exported by OpenTelemetry when an endpoint is set.

Without an endpoint nothing of OpenTelemetry is loaded; the trace id still travels, so logs of all services meet.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

TRACEPARENT = re.compile(r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


class _Export:
    """Where spans of this process go; like OpenTelemetry's own provider there is one of it per process."""

    tracer: Any = None


def current_traceparent() -> str | None:
    """Give the context that a message or request sent now should carry."""
    return _current.get()


def current_trace_id() -> str | None:
    """Give the 32 hex digits that log lines of one trace share."""
    parent = _current.get()
    return parent[3:35] if parent else None


def child_of(traceparent: str | None) -> str:
    """Make the context of a new step: of the same trace if `traceparent` is well formed, else of a new one."""
    if traceparent and TRACEPARENT.fullmatch(traceparent):
        return f"{traceparent[:36]}{secrets.token_hex(8)}{traceparent[52:]}"
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@contextmanager
def span(name: str, traceparent: str | None = None, **attributes: str | int) -> Iterator[None]:
    """Run a step inside a span named `name`, below `traceparent` or else below the step we are in."""
    parent = traceparent or _current.get()
    if _Export.tracer is None:
        token = _current.set(child_of(parent))
        try:
            yield
        finally:
            _current.reset(token)
        return
    with _exported_span(name, parent, attributes):
        yield


@contextmanager
def _exported_span(name: str, parent: str | None, attributes: dict[str, str | int]) -> Iterator[None]:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    propagator = TraceContextTextMapPropagator()
    context = propagator.extract({"traceparent": parent}) if parent else None
    with _Export.tracer.start_as_current_span(name, context=context, attributes=attributes):
        carrier: dict[str, str] = {}
        propagator.inject(carrier)
        token = _current.set(carrier.get("traceparent") or child_of(parent))
        try:
            yield
        finally:
            _current.reset(token)


def start_export(service: str, endpoint: str) -> Callable[[], None]:
    """Send spans of this process to an OTLP endpoint (base address, over HTTP); the result stops it and flushes."""
    if not endpoint:
        return lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _Export.tracer = provider.get_tracer("theatre")
    return provider.shutdown
