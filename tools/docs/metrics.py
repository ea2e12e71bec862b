"""What the reference says of the metrics."""

import ast
from collections.abc import Iterator

from tools.docs import source
from tools.docs.markdown import literal, table

KINDS = ("Counter", "Gauge", "Histogram", "Summary")


def metrics() -> str:
    """Every metric that the code makes, as Prometheus shows it."""
    found = (row for path, tree in source.modules() if _is_about_metrics(tree) for row in _rows(tree))
    return table(("Metric", "Kind", "Labels", "What it says"), found)


def metric_names() -> list[str]:
    """The names under which the code registers them."""
    return [row[0].strip("`") for _, tree in source.modules() if _is_about_metrics(tree) for row in _rows(tree)]


def _is_about_metrics(tree: ast.Module) -> bool:
    froms = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(node.module == "prometheus_client" for node in froms)


def _rows(tree: ast.Module) -> Iterator[tuple[str, ...]]:
    for call in source.calls(tree, KINDS):
        name, says = (source.text_of(each) for each in call.args[:2])
        labels = call.args[2] if len(call.args) > 2 else None
        shown = labels.elts if isinstance(labels, ast.List | ast.Tuple) else []
        kind = source.called(call)
        yield (
            literal(f"{name}_total" if kind == "Counter" else name or ""),
            kind.lower(),
            ", ".join(literal(source.text_of(label) or "") for label in shown),
            says or "",
        )
