"""Tracing by OpenTelemetry, exported as OTLP over HTTP. Its settings are the standard variables `OTEL_*`."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stillmotion.application.ports.tracing import NO_ATTRIBUTES, Attributes, SpanKind, TraceSpan

_KINDS: Final[Mapping[SpanKind, trace.SpanKind]] = MappingProxyType(
    {each: trace.SpanKind[each.name] for each in SpanKind}
)
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_NANOSECONDS: Final = 1_000_000_000
LAST_SPANS_SECONDS: Final = 2.0
"""Longest wait for the export of the last spans at the end of a process."""


class OtelSpan:
    """`TraceSpan` of the SDK."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        """See `TraceSpan.traceparent`."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(self._span))
        return carrier.get("traceparent", "")

    def tell(self, attributes: Attributes) -> None:
        """See `TraceSpan.tell`."""
        self._span.set_attributes(attributes)

    def fail(self, error_type: str) -> None:
        """See `TraceSpan.fail`."""
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(trace.StatusCode.ERROR)


class OtelTracing:
    """`Tracing` over the SDK."""

    is_on = True

    def __init__(self, version: str) -> None:
        named = Resource.create({"service.name": "stillmotion", "service.version": version})
        # Merged last, since an operator's OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES outweigh our names.
        self._provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("stillmotion", version)

    @contextmanager
    def span(
        self, name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes = NO_ATTRIBUTES, caused_by: str = ""
    ) -> Iterator[TraceSpan]:
        """See `Tracing.span`."""
        context = _PROPAGATOR.extract({"traceparent": caused_by}) if caused_by else None
        links = []
        if context is not None and kind is SpanKind.CONSUMER:
            links = [trace.Link(trace.get_current_span(context).get_span_context())]
        with self._tracer.start_as_current_span(
            name,
            context,
            _KINDS[kind],
            attributes,
            links,
            # Messages of errors may hold addresses and words.
            record_exception=False,
            set_status_on_exception=False,
        ) as started:
            span = OtelSpan(started)
            try:
                yield span
            except BaseException as error:
                span.fail(type(error).__name__)
                raise

    def past(self, name: str, began: float, ended: float, attributes: Attributes = NO_ATTRIBUTES) -> None:
        """See `Tracing.past`."""
        # The offset of the clock of the day: the monotonic one begins anywhere.
        offset = time.time_ns() - time.monotonic_ns()  # noqa: TID251 - spans of one trace share the SDK's clock
        span = self._tracer.start_span(name, attributes=attributes, start_time=round(began * _NANOSECONDS) + offset)
        span.end(round(ended * _NANOSECONDS) + offset)

    def close(self) -> None:
        """Export the last spans, and stop. A collector that does not answer delays the process's end by little."""
        # The SDK's own deadlines do not end an export that hangs.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(LAST_SPANS_SECONDS)
