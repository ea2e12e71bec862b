"""Metrics for Prometheus. Requests are counted by plain arithmetic on the event loop, and formatted on a scrape."""

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from stillmotion.application.ports.metrics import Buckets

BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5)
"""Upper bounds in seconds."""


class RequestMetrics:
    """Counts of one operation. They are not thread-safe: only the event loop counts."""

    __slots__ = ("by_status", "operation", "seconds")

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.by_status: defaultdict[int, int] = defaultdict(int)
        self.seconds = Buckets(BUCKETS)

    def observe(self, status: int, seconds: float) -> None:
        """Count one answered request and the time it took."""
        self.by_status[status] += 1
        self.seconds.observe(seconds)


class _Requests(Collector):
    """Collector of the counts of all operations."""

    def __init__(self) -> None:
        self.operations: dict[str, RequestMetrics] = {}
        self.refused: defaultdict[str, int] = defaultdict(int)

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "stillmotion_http_requests", "Answered requests.", labels=["operation", "status"]
        )
        seconds = HistogramMetricFamily(
            "stillmotion_http_request_seconds", "From a request's headers to its answer.", labels=["operation"]
        )
        for each in self.operations.values():
            for status, count in sorted(each.by_status.items()):
                requests.add_metric([each.operation, str(status)], count)
            seconds.add_metric([each.operation], each.seconds.cumulative(), each.seconds.sum)
        refused = CounterMetricFamily("stillmotion_refused", "Refused requests, by their reason.", labels=["reason"])
        for reason, count in sorted(self.refused.items()):
            refused.add_metric([reason], count)
        yield from (requests, seconds, refused)


class Metrics:
    """Requests of this process by operation and status, their latency and refusals, and the collectors of others."""

    def __init__(self, registry: CollectorRegistry, *others: Collector) -> None:
        self._registry = registry
        self._requests = _Requests()
        for each in (self._requests, *others):
            registry.register(each)

    def of(self, operation: str) -> RequestMetrics:
        """The counts of an operation, one object for each name."""
        return self._requests.operations.setdefault(operation, RequestMetrics(operation))

    def refuse(self, reason: str) -> None:
        """Count a refused request."""
        self._requests.refused[reason] += 1

    def render(self) -> bytes:
        """The text exposition."""
        return generate_latest(self._registry)
