"""A small collector: an OTLP receiver over HTTP that keeps every span and every byte."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.waiting import LOOK_SECONDS


@dataclass(frozen=True)
class Received:
    """A span, with the version and name of the service that it came from."""

    span: Span
    resource: dict[str, str]

    @property
    def attributes(self) -> dict[str, str | int | float]:
        return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in self.span.attributes}

    @property
    def kind(self) -> str:
        return Span.SpanKind.Name(self.span.kind).removeprefix("SPAN_KIND_")

    @property
    def trace(self) -> str:
        return self.span.trace_id.hex()


@dataclass
class Collector:
    """All that was received so far."""

    url: str
    spans: list[Received] = field(default_factory=list)
    content: bytes = b""

    def named(self, name: str) -> list[Received]:
        return [each for each in self.spans if each.span.name == name]

    def parent(self, received: Received) -> Received | None:
        wanted = received.span.parent_span_id
        return next((each for each in self.spans if each.span.span_id == wanted), None)

    def take(self, content: bytes) -> None:
        self.content += content
        for group in ExportTraceServiceRequest.FromString(content).resource_spans:
            resource = {each.key: each.value.string_value for each in group.resource.attributes}
            self.spans += [Received(span, resource) for scope in group.scope_spans for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(gzip.decompress(content) if self.headers["Content-Encoding"] == "gzip" else content)
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,))
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
