"""A receiver of traces: a process of its own that takes OTLP over HTTP and tells what it got at `GET /spans`.

With `--forget` it keeps nothing: for benchmarks.
"""

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

SPANS: list[dict[str, Any]] = []
FORGETS = "--forget" in sys.argv


class Door(BaseHTTPRequestHandler):
    """`POST /v1/traces` as every collector has it, and `GET /spans` for tests."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if not FORGETS:
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                SPANS.extend(read(group))
        self.answer("application/x-protobuf", ExportTraceServiceResponse().SerializeToString())

    def do_GET(self) -> None:
        self.answer("application/json", json.dumps(SPANS).encode())

    def answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: Any) -> None:
        """Say nothing."""


def read(group: ResourceSpans) -> list[dict[str, Any]]:
    """Write the spans of one service as JSON holds them."""
    resource = values_of(group.resource.attributes)
    return [
        {
            "service": resource["service.name"],
            "resource": resource,
            "trace": span.trace_id.hex(),
            "id": span.span_id.hex(),
            "parent": span.parent_span_id.hex(),
            "name": span.name,
            "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
            "attributes": values_of(span.attributes),
            "links": [link.trace_id.hex() for link in span.links],
            "is_failed": span.status.code == 2,
            "words": span.status.message,
            "events": len(span.events),
        }
        for scope in group.scope_spans
        for span in scope.spans
    ]


def values_of(attributes: Any) -> dict[str, Any]:
    """Read attributes."""

    def plain(value: AnyValue) -> Any:
        return getattr(value, value.WhichOneof("value") or "string_value")

    given: list[KeyValue] = list(attributes)
    return {one.key: plain(one.value) for one in given}


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
