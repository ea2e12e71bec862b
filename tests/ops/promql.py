"""Evaluation of the part of PromQL that our alert rules use, for machines without Prometheus.

https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import promql_parser

Labels = frozenset[tuple[str, str]]
Vector = Mapping[Labels, float]
Scrape = tuple[float, Vector]
"""The time of a scrape, and its samples. The metric's name is the label `__name__`."""

_SAMPLE = re.compile(r"^([a-z_]+)(?:\{([^}]*)\})? ([0-9.e+-]+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {"/": lambda a, b: a / b if b else float("nan")}
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}
_AGGREGATED: Mapping[str, Callable[[Sequence[float]], float]] = {"sum": sum, "max": max, "min": min}


def samples(text: str, **more: str) -> dict[Labels, float]:
    """The samples of a text exposition, each with more labels."""
    return {
        frozenset({("__name__", name), *_LABEL.findall(labels or ""), *more.items()}): float(value)
        for name, labels, value in _SAMPLE.findall(text)
    }


def evaluate(expression: str, scrapes: Sequence[Scrape]) -> Vector:
    """The value of an expression at the time of the last scrape."""
    return _value(promql_parser.parse(expression), scrapes)


def _value(node: Any, scrapes: Sequence[Scrape]) -> Any:
    match node:
        case promql_parser.NumberLiteral():
            return node.val
        case promql_parser.ParenExpr():
            return _value(node.expr, scrapes)
        case promql_parser.VectorSelector():
            return _selected(node, scrapes[-1][1])
        case promql_parser.Call():
            return _grown(node, scrapes)
        case promql_parser.AggregateExpr():
            return _aggregated(node, _value(node.expr, scrapes))
        case promql_parser.BinaryExpr():
            return _joined(str(node.op), _value(node.lhs, scrapes), _value(node.rhs, scrapes))
    raise TypeError(f"no rule of ours has a {type(node).__name__}")


def _selected(node: Any, vector: Vector) -> Vector:
    return {labels: value for labels, value in vector.items() if _fits(node, dict(labels))}


def _fits(node: Any, labels: Mapping[str, str]) -> bool:
    def holds(matcher: Any) -> bool:
        text, op = labels.get(matcher.name, ""), str(matcher.op)
        found = re.fullmatch(matcher.value, text) is not None if "~" in op or "Re" in op else matcher.value == text
        return found is not (op.startswith("!") or "Not" in op)

    return labels["__name__"] == node.name and all(holds(each) for each in node.matchers.matchers)


def _grown(node: Any, scrapes: Sequence[Scrape]) -> Vector:
    """`increase` and `rate` of counters that are never reset."""
    (range_,) = node.args
    seconds = range_.range.total_seconds()
    within = [each for each in scrapes if each[0] >= scrapes[-1][0] - seconds]
    last = _selected(range_.vector_selector, within[-1][1])
    first = next((found for _, each in within if (found := _selected(range_.vector_selector, each))), {})
    per = seconds if node.func.name == "rate" else 1
    return {_unnamed(labels): (value - first[labels]) / per for labels, value in last.items() if labels in first}


def _aggregated(node: Any, vector: Vector) -> Vector:
    kept = set(node.modifier.labels) if node.modifier is not None else set()
    groups: defaultdict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.items():
        groups[frozenset(each for each in labels if each[0] in kept)].append(value)
    aggregate = _AGGREGATED[str(node.op)]
    return {labels: aggregate(values) for labels, values in groups.items()}


def _joined(op: str, left: Vector, right: Any) -> Vector:
    if op == "and":
        return {labels: value for labels, value in left.items() if labels in right}
    other = right if isinstance(right, Mapping) else None
    named = left if other is None else {_unnamed(labels): value for labels, value in left.items()}
    facing = {_unnamed(labels): value for labels, value in other.items()} if other is not None else {}
    pairs = {
        labels: (value, right if other is None else facing[labels])
        for labels, value in named.items()
        if other is None or labels in facing
    }
    if op in _COMPARED:
        return {labels: a for labels, (a, b) in pairs.items() if _COMPARED[op](a, b)}
    return {labels: _ARITHMETIC[op](a, b) for labels, (a, b) in pairs.items()}


def _unnamed(labels: Labels) -> Labels:
    return frozenset(each for each in labels if each[0] != "__name__")
