"""The reference of metrics: the service's own answer after one request."""

import asyncio
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from stillmotion.adapters.clock import SystemClock
from stillmotion.application.metrics import SERIES, Tally
from stillmotion.application.ports.metrics import Buckets
from stillmotion.http.edge.measures import DiskSpace, InstallationMetrics, LabelValues, Measures
from stillmotion.http.edge.metrics import Metrics
from stillmotion.testing.memory_store import MemoryStore
from tools.docs.markdown import literal, table


def metrics() -> str:
    """Every metric with its kind and labels."""
    rows = [(literal(_name(each)), each.type, _labels(each), each.documentation) for each in _families()]
    return table(("Metric", "Kind", "Labels", "What it says"), rows)


def metric_names() -> list[str]:
    """Every metric's name as Prometheus shows it."""
    return [_name(each) for each in _families()]


def metric_labels() -> dict[str, set[str]]:
    """The names of every metric's labels, as Prometheus shows them; `le` too."""
    return {_name(each): {name for sample in each.samples for name in sample.labels} for each in _families()}


async def _workers() -> dict[str, int]:
    return {"ready": 1}


def _families() -> list[Metric]:
    """All families as a server shows them that has counted one of each."""
    registry, store = CollectorRegistry(), MemoryStore(SystemClock())
    known = LabelValues(("dream-machine",), ("ray-2",), ("parallax/1",), {"studio": _OtherServer()})
    measures = Measures(store, Buckets((0.001,)), _workers, lambda: DiskSpace(1, 2))
    installation = InstallationMetrics(measures, store, SystemClock(), "1.2.3", known)
    counting = Metrics(registry, installation)
    counting.of("getStatus").observe(200, 0.001)
    counting.refuse("no_key")
    asyncio.run(_counted(store, installation))
    return list(registry.collect())


async def _counted(store: MemoryStore, installation: InstallationMetrics) -> None:
    tally = Tally()
    for each in SERIES:
        labels = each.labels
        tally.observe(each, 1.0, *labels) if each.buckets else tally.count(each, *labels)
    await store.add_samples(tally.take())
    await installation.look()


@dataclass(frozen=True)
class _OtherServer:
    trouble: str | None = None


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _labels(family: Metric) -> str:
    names = {name: None for sample in family.samples for name in sample.labels if name != "le"}
    return ", ".join(literal(name) for name in names)
