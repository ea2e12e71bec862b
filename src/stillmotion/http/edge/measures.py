"""Metrics of the whole installation, the same from every server over one database: sums of all processes, gauges."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from types import MappingProxyType
from typing import NamedTuple, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from stillmotion.application.metrics import SERIES, Series
from stillmotion.application.ports.metrics import Buckets, MetricStore, StoredGauges, cumulative
from stillmotion.application.ports.store import GenerationStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Unavailable


class OtherServer(Protocol):
    """Another server that makes clips for this one."""

    @property
    def trouble(self) -> str | None:
        """The reason why it gets no work at present; None if it works."""
        ...


NO_SERVERS: Mapping[str, OtherServer] = MappingProxyType({})


class DiskSpace(NamedTuple):
    """Bytes of the data directory's file system."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Measures:
    """Sources of the measures. `commits` holds the durations of this process's commits.

    `workers` counts the hosts of renderers by state, `disk` measures the file system.
    """

    store: MetricStore
    commits: Buckets
    workers: Callable[[], Awaitable[Mapping[str, int]]]
    disk: Callable[[], DiskSpace]


@dataclass(frozen=True, slots=True)
class LabelValues:
    """The values of labels that are known beforehand. `servers` are other servers that make clips."""

    surfaces: Sequence[str]
    models: Sequence[str]
    engines: Sequence[str]
    servers: Mapping[str, OtherServer] = field(default_factory=dict)

    def of(self, label: str) -> Sequence[str]:
        """The values of one label; empty where they are not known."""
        known = {"surface": self.surfaces, "model": self.models, "server": tuple(self.servers)}
        return known.get(label, ())


@dataclass(frozen=True, slots=True)
class Look:
    """Readings of the store at one scrape. `sums` holds the samples by name and labels."""

    at: datetime
    sums: Mapping[tuple[str, tuple[str, ...]], float]
    gauges: StoredGauges
    under_way: Mapping[str, int]


class InstallationMetrics(Collector):
    """Collector of the installation's metrics. Without the store, those of the store are left out."""

    def __init__(
        self, measures: Measures, generations: GenerationStore, clock: Clock, version: str, known: LabelValues
    ) -> None:
        self._measures, self._generations, self._clock = measures, generations, clock
        self._version, self._known = version, known
        self._look: Look | None = None
        self._workers: Mapping[str, int] = {}

    async def look(self) -> None:
        """Read the store for the next scrape."""
        store = self._measures.store
        with suppress(Unavailable):
            self._workers = await self._measures.workers()
        try:
            sums = {(name, labels): value for name, labels, value in await store.samples()}
            self._look = Look(self._clock.now(), sums, await store.gauges(), await self._generations.counts())
        except Unavailable:
            self._look = None

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        yield _gauge("stillmotion_build_info", "Always 1; the label tells the version.", "version", {self._version: 1})
        up = {name: int(server.trouble is None) for name, server in self._known.servers.items()}
        yield _gauge("stillmotion_server_up", "1 if another server that makes clips answers.", "server", up)
        told = "Processes that render, by whether they are ready."
        yield _gauge("stillmotion_workers", told, "state", self._workers)
        commits = HistogramMetricFamily(
            "stillmotion_commit_seconds", "Duration of this process's database transactions, up to the disk."
        )
        commits.add_metric([], self._measures.commits.cumulative(), self._measures.commits.sum)
        yield commits
        disk = self._measures.disk()
        yield _gauge("stillmotion_disk_free_bytes", "Free bytes on the data directory's disk.", None, {"": disk.free})
        yield _gauge("stillmotion_disk_size_bytes", "Size of the data directory's disk.", None, {"": disk.total})
        if self._look is not None:
            yield from self._of_store(self._look)

    def _of_store(self, look: Look) -> Iterator[Metric]:
        gauges = look.gauges
        yield _gauge("stillmotion_generations", "Generations under way, by state.", "state", look.under_way)
        depth = {**dict.fromkeys(self._known.engines, 0), **gauges.depth}
        yield _gauge("stillmotion_queue_depth", "Generations that wait, by engine.", "engine", depth)
        oldest = _age(gauges.oldest, look.at)
        yield _gauge("stillmotion_queue_oldest_seconds", "Wait of the longest waiting generation.", None, {"": oldest})
        pending = {"": gauges.pending}
        yield _gauge("stillmotion_callbacks_pending", "Callbacks not delivered yet.", None, pending)
        due = _age(gauges.due, look.at)
        yield _gauge("stillmotion_callback_oldest_seconds", "Delay of the longest overdue callback.", None, {"": due})
        yield _gauge("stillmotion_storage_bytes", "Bytes that are kept, by kind.", "kind", gauges.stored)
        for series in SERIES:
            yield self._histogram(series, look) if series.buckets else self._counter(series, look)

    def _counter(self, series: Series, look: Look) -> Metric:
        name = f"{series.name}_total"
        first = [self._known.of(label) for label in series.labels[: -1 if series.known else None]]
        known = product(*first, series.known) if series.known else product(*first)
        values = dict.fromkeys(known, 0.0) | {
            labels: sum_ for (each, labels), sum_ in look.sums.items() if each == name
        }
        family = CounterMetricFamily(series.name, series.says, labels=series.labels)
        for labels, value in sorted(values.items()):
            family.add_metric(labels, value)
        return family

    def _histogram(self, series: Series, look: Look) -> Metric:
        family = HistogramMetricFamily(series.name, series.says, labels=series.labels)
        bounds = (*map(str, series.buckets), "+Inf")
        for (name, labels), total in sorted(look.sums.items()):
            if name == f"{series.name}_sum":
                counts = [look.sums.get((f"{series.name}_bucket", (*labels, bound)), 0) for bound in bounds]
                family.add_metric(labels, cumulative(series.buckets, counts), total)
        return family


def _gauge(name: str, says: str, label: str | None, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=() if label is None else (label,))
    for value, number in values.items():
        family.add_metric(() if label is None else (value,), number)
    return family


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(timedelta(0), now - since).total_seconds()
