"""The dashboard and the alert rules ask for series and labels that `/metrics` has."""

import json
import shutil
import subprocess
from itertools import combinations

import promql_parser
import pytest
import yaml

from tests.ops.watchers import RULES
from tools.docs.metrics import metric_labels

DASHBOARD = json.loads((RULES.parents[1] / "grafana/stillmotion.json").read_text("utf-8"))
PANELS = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
ALERTS = [each for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for each in group["rules"]]
SCRAPED = {"job", "instance"}
"""Labels that Prometheus adds."""

KNOWN = {**metric_labels(), "up": set()}


def asked(expression):
    """The selectors of an expression, as Grafana sends it."""
    found = []

    def walk(node):
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        children = (getattr(node, name, None) for name in ("lhs", "rhs", "expr", "vector_selector"))
        for each in (*children, *getattr(node, "args", ())):
            if each is not None:
                walk(each)

    walk(promql_parser.parse(expression.replace("$__rate_interval", "1m").replace("$job", "stillmotion")))
    assert found
    return found


def family(name):
    return next((each for each in (name, name.removesuffix("_bucket")) if each in KNOWN), None)


EXPRESSIONS = {
    **{f"panel {each['title']}, {target['refId']}": target["expr"] for each in PANELS for target in each["targets"]},
    **{f"alert {each['alert']}": each["expr"] for each in ALERTS},
}


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_every_series_that_is_asked_for_exists(where):
    for selector in asked(EXPRESSIONS[where]):
        named = family(selector.name)
        assert named is not None, selector.name
        assert {each.name for each in selector.matchers.matchers} <= KNOWN[named] | SCRAPED


def test_every_series_is_asked_for():
    told = {family(each.name) for expression in EXPRESSIONS.values() for each in asked(expression)}
    assert set(KNOWN) - told == set()


def test_there_are_eight_alerts_and_each_says_what_to_do():
    assert len(ALERTS) == 8
    for each in ALERTS:
        assert each["labels"]["severity"] in ("critical", "warning")
        assert all(each["annotations"][part].endswith(".") for part in ("summary", "action"))


def test_no_two_panels_lie_on_each_other():
    def covers(panel):
        at = panel["gridPos"]
        return {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}

    assert all(x < 24 for panel in DASHBOARD["panels"] for x, _ in covers(panel))
    assert [(a["title"], b["title"]) for a, b in combinations(DASHBOARD["panels"], 2) if covers(a) & covers(b)] == []
    assert len({each["id"] for each in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_promtool_finds_no_fault_in_the_rules():
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed, which comes with Prometheus")
    checked = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
