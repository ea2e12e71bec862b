"""The reference of metrics: the service's own answer after one request."""

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from stillmotion.http.edge.metrics import Metrics
from tools.docs.markdown import literal, table


def metrics() -> str:
    """Every metric with its kind and labels."""
    rows = [(literal(_name(each)), each.type, _labels(each), each.documentation) for each in _families()]
    return table(("Metric", "Kind", "Labels", "What it says"), rows)


def metric_names() -> list[str]:
    """Every metric's name as Prometheus shows it."""
    return [_name(each) for each in _families()]


def _families() -> list[Metric]:
    registry = CollectorRegistry()
    counting = Metrics(registry)
    counting.of("getStatus").observe(200, 0.001)
    counting.render({"queued": 0})
    return list(registry.collect())


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _labels(family: Metric) -> str:
    names = {name: None for sample in family.samples for name in sample.labels if name != "le"}
    return ", ".join(literal(name) for name in names)
