"""Metrics for Prometheus. Requests are counted by plain arithmetic on the event loop, and formatted on a scrape."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from stillmotion.http.edge.services import OtherServer

BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5)
"""Upper bounds in seconds."""


NO_SERVERS: Mapping[str, OtherServer] = MappingProxyType({})


class RequestMetrics:
    """Counts of one operation. They are not thread-safe: only the event loop counts."""

    __slots__ = ("buckets", "by_status", "operation", "seconds")

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.by_status: defaultdict[int, int] = defaultdict(int)
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0

    def observe(self, status: int, seconds: float) -> None:
        """Count one answered request and the time it took."""
        self.by_status[status] += 1
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """The histogram's buckets, cumulative as Prometheus has them."""
        total = 0
        rows: list[tuple[str, float]] = []
        for bound, count in zip((*BUCKETS, "+Inf"), self.buckets, strict=True):
            total += count
            rows.append((str(bound), total))
        return rows


class _Requests(Collector):
    """Collector of the counts of all operations."""

    def __init__(self) -> None:
        self.operations: dict[str, RequestMetrics] = {}

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
            seconds.add_metric([each.operation], each.cumulative(), each.seconds)
        yield requests
        yield seconds


class Metrics:
    """Requests by operation and status, their latency, and generations by state."""

    def __init__(self, registry: CollectorRegistry, servers: Mapping[str, OtherServer] = NO_SERVERS) -> None:
        self._registry = registry
        self._servers = servers
        self._up = Gauge(
            "stillmotion_server_up", "Whether another server that makes clips answers.", ["server"], registry=registry
        )
        self._requests = _Requests()
        registry.register(self._requests)
        self._generations = Gauge(
            "stillmotion_generations", "Generations under way, by state.", ["state"], registry=registry
        )

    def of(self, operation: str) -> RequestMetrics:
        """The counts of an operation, one object for each name."""
        return self._requests.operations.setdefault(operation, RequestMetrics(operation))

    def render(self, generations: Mapping[str, int]) -> bytes:
        """The text exposition, with the counts of generations as they are now."""
        for state, count in generations.items():
            self._generations.labels(state).set(count)
        for name, server in self._servers.items():
            self._up.labels(name).set(server.trouble is None)
        return generate_latest(self._registry)
